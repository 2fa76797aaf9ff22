//! Which types may be sent and shared, as the crate's text says.

use llmq::*;

fn sent<T: Send>() {}
fn shared<T: Send + Sync>() {}

#[test]
fn types_are_send_and_sync() {
    sent::<Config>();
    shared::<Manager>();
    shared::<Request<'static>>();
    shared::<Pending>();
    shared::<Response>();
    shared::<ResponseStream>();
    shared::<Chunk>();
    shared::<Error>();
    shared::<CompletionQueue>();
    shared::<Batch>();
    shared::<Job>();
    shared::<Worker>();
    shared::<Acquire>();
    shared::<Permit>();
    shared::<Shutdown>();
}
