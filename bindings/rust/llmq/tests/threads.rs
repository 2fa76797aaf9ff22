//! Which types may be sent and shared, as the crate's text says.

use llmq::*;

fn sent<T: Send>() {}
fn shared<T: Send + Sync>() {}

#[test]
fn types_are_send_and_sync() {
    sent::<Config>();
    sent::<Plan>();
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
    shared::<Pause>();
}

#[cfg(feature = "serde")]
#[test]
fn typed_ones_are_too() {
    use std::cell::Cell; // which is Send and no more: the values are no part of these types
    shared::<TypedModel<Cell<u8>, Cell<u8>>>();
    shared::<TypedPending<Cell<u8>>>();
    shared::<TypedStream<Cell<u8>, Cell<u8>>>();
}
