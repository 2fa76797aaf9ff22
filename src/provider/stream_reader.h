// An answer that comes as a stream: its events as they come, then what it means as a whole.
#ifndef LLMQ_PROVIDER_STREAM_READER_H_
#define LLMQ_PROVIDER_STREAM_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "provider/error_body.h"
#include "provider/profile.h"
#include "provider/provider.h"
#include "provider/sse.h"
#include "provider/stream_wires.h"
#include "provider/usage.h"

namespace llmq::provider {

// One event of a stream that is no error.
struct StreamEvent {
  std::string data;     // its JSON as sent, without framing
  bool output = false;  // carries output for the user: text, a tool call, reasoning
};

enum class StreamWire : uint8_t { kChat, kResponses, kAnthropic, kGemini, kCohere, kOllama };

StreamWire stream_wire(const Profile& profile, Operation operation);

// Reads the body of one answer with HTTP 200, in order. Any split of its bytes tells the same
// events and the same outcome. A stream is whole when its end marker came ([DONE], message_stop,
// response.completed, message-end, "done": true; for Gemini a finishReason): a body that ends
// before is a failure, as is one that holds an error, whatever follows it. A body that is no stream
// but one JSON value is read as such when it has ended.
class StreamReader {
 public:
  // What an answer may hold at most, in bytes; more is a failure.
  static constexpr size_t kMostBytes = size_t{64} << 20;

  StreamReader(const Profile& profile, Operation operation)
      : StreamReader(profile, operation, stream_wire(profile, operation)) {}
  StreamReader(const Profile& profile, Operation operation, StreamWire wire);

  // Appends what the bytes tell. Events that are errors are not among them: finish() tells those.
  void feed(std::string_view bytes, std::vector<StreamEvent>& out);

  // Nothing that may follow changes the outcome: the end marker or an error has come.
  bool ended() const { return end_ != nullptr || failed_; }

  // The body has ended, or was given up; `head` is its status and headers. Appends what was left,
  // then says how the attempt went. The usage is what was told: of an answer that was cut it may
  // lack output, which output_tokens() counts.
  Outcome finish(const WireResponse& head, int64_t wall_unix_ms, std::vector<StreamEvent>& out);

  // An event with output has been appended.
  bool output_begun() const { return output_begun_; }
  // So far: what was told, or a quarter of the bytes of text where that is more.
  int64_t output_tokens() const;
  // What was told of usage so far.
  const UsageCounts& usage() const { return usage_; }
  // "[DONE]", "message_stop", ...; nullptr if it has not come.
  const char* end() const { return end_; }

  // The whole answer in the form that it has without streaming; "" if nothing came. Takes it.
  std::string take_assembled();

 private:
  enum class Form : uint8_t { kUnknown, kEvents, kLines, kPlain };
  using Wires = std::variant<ChatStream, ResponsesStream, AnthropicStream, GeminiStream,
                             CohereStream, OllamaStream>;

  void choose_form(char first);
  void take(SseEvent&& event, std::vector<StreamEvent>& out);
  void take_json(std::string&& data, const cJSON* json, bool is_error_event,
                 std::vector<StreamEvent>& out);
  void take_all(std::vector<StreamEvent>& out);
  void fail(base::Json error);
  void break_off(std::string why);
  // A body of one JSON value. True if it told the outcome.
  bool finish_plain(const WireResponse& head, int64_t wall_unix_ms, std::vector<StreamEvent>& out,
                    Outcome& outcome);
  bool is_whole() const;

  const Profile* profile_;
  Operation operation_;
  StreamWire wire_;
  Form form_ = Form::kUnknown;
  SseReader events_;
  LineReader lines_;
  std::string plain_;
  std::vector<SseEvent> cut_;  // events of one feed; kept for its memory
  Wires answer_;
  UsageCounts usage_;
  size_t bytes_ = 0;
  size_t text_bytes_ = 0;
  size_t count_ = 0;  // events that are no errors
  bool output_begun_ = false;
  const char* end_ = nullptr;
  bool failed_ = false;
  base::Json error_;    // the event that told of a failure
  std::string broken_;  // why the stream cannot be read on
};

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_STREAM_READER_H_
