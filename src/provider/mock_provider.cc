#include "provider/mock_provider.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "core/random.h"
#include "provider/json.h"

namespace llmq::provider {
namespace {

constexpr int64_t kMostWords = 64;     // of one invented choice, however many tokens it may have
constexpr int64_t kMostChoices = 128;  // as OpenAI allows
constexpr int64_t kMostInputs = 2048;  // as OpenAI allows
constexpr int64_t kMostDimensions = 4096;
constexpr int64_t kDimensions = 8;
constexpr int64_t kBytesPerToken = 4;
constexpr int64_t kNsPerSecond = 1'000'000'000;

// Words of one token each with every tokenizer that is in use.
constexpr std::array<const char*, 16> kWords{"the",     "queue", "is",   "long", "and", "each",
                                             "request", "will",  "wait", "for",  "its", "own",
                                             "turn",    "in",    "this", "line"};

// FNV-1a: what makes two payloads differ, the same on every platform.
uint64_t hash_of(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

core::Random random_for(uint64_t seed, std::string_view payload, uint64_t call_number) {
  core::Random mix(seed);
  core::Random with_payload(mix.next() ^ hash_of(payload));
  return core::Random(with_payload.next() ^ call_number);
}

double unit_interval(core::Random& random) {
  return static_cast<double>(random.next() >> 11) * 0x1.0p-53;
}

std::string hex(uint64_t number) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(number));
  return text.data();
}

void add_count(cJSON* object, const char* name, int64_t value) {
  base::add_real(object, name, static_cast<double>(value));
}

int64_t whole_number(const cJSON* value, int64_t otherwise, int64_t most) {
  if (cJSON_IsNumber(value) == 0 || !(value->valuedouble >= 1)) return otherwise;
  return static_cast<int64_t>(std::min(value->valuedouble, static_cast<double>(most)));
}

std::string words(int64_t count, core::Random& random) {
  std::string text;
  for (int64_t i = 0; i < count; ++i) {
    if (i > 0) text += ' ';
    text += kWords[static_cast<size_t>(random.next() % kWords.size())];
  }
  return text;
}

// What an answer is made from.
struct Question {
  std::string_view model;
  const cJSON* body;  // nullptr if the payload is no JSON
  Estimate estimate;
};

void add_usage(cJSON* answer, const core::Usage& usage, bool with_output) {
  cJSON* const object = base::add_object(answer, "usage");
  add_count(object, "prompt_tokens", usage.input_tokens);
  if (with_output) add_count(object, "completion_tokens", usage.output_tokens);
  add_count(object, "total_tokens", usage.input_tokens + usage.output_tokens);
}

core::Usage add_choices(cJSON* answer, const Question& question, core::Random& random) {
  core::Usage usage;
  usage.input_tokens = question.estimate.input_tokens;
  const int64_t n = whole_number(member(question.body, "n"), 1, kMostChoices);
  const int64_t most = question.estimate.output_tokens > 0
                           ? std::clamp<int64_t>(question.estimate.output_tokens / n, 1, kMostWords)
                           : kMostWords;
  cJSON* const choices = base::add_array(answer, "choices");
  for (int64_t i = 0; i < n; ++i) {
    const int64_t count = random.between(1, most);
    usage.output_tokens += count;
    cJSON* const choice = base::new_object();
    base::append(choices, choice);
    add_count(choice, "index", i);
    cJSON* const message = base::add_object(choice, "message");
    base::add_text(message, "role", "assistant");
    base::add_text(message, "content", words(count, random).c_str());
    base::add_text(choice, "finish_reason", "stop");
  }
  return usage;
}

// An array of texts or of token lists is one input each; anything else is one input.
int64_t input_count(const cJSON* body) {
  const cJSON* const input = member(body, "input");
  const cJSON* const first = cJSON_IsArray(input) != 0 ? input->child : nullptr;
  if (first == nullptr || cJSON_IsNumber(first) != 0) return 1;
  return std::min<int64_t>(cJSON_GetArraySize(input), kMostInputs);
}

core::Usage add_vectors(cJSON* answer, const Question& question, core::Random& random) {
  cJSON* const data = base::add_array(answer, "data");
  const int64_t count = input_count(question.body);
  const int64_t dimensions =
      whole_number(member(question.body, "dimensions"), kDimensions, kMostDimensions);
  for (int64_t i = 0; i < count; ++i) {
    cJSON* const entry = base::new_object();
    base::append(data, entry);
    base::add_text(entry, "object", "embedding");
    add_count(entry, "index", i);
    cJSON* const vector = base::add_array(entry, "embedding");
    for (int64_t d = 0; d < dimensions; ++d) {
      const auto thousandths = static_cast<double>(random.between(-1000, 1000));
      base::append(vector, base::new_real(thousandths / 1000));
    }
  }
  core::Usage usage;
  usage.input_tokens = question.estimate.input_tokens;
  return usage;
}

void answer_well(MockReply& reply, const Question& question, Operation operation,
                 core::Random& random) {
  const bool embeddings = operation == Operation::kEmbeddings;
  const Json answer(base::new_object());
  if (!embeddings) {
    base::add_text(answer.get(), "id", ("chatcmpl-mock-" + hex(random.next())).c_str());
  }
  base::add_text(answer.get(), "object", embeddings ? "list" : "chat.completion");
  if (!embeddings)
    add_count(answer.get(), "created", 0);  // no clock: the same seed, the same bytes
  base::add_text(answer.get(), "model", std::string(question.model).c_str());
  reply.outcome.usage = embeddings ? add_vectors(answer.get(), question, random)
                                   : add_choices(answer.get(), question, random);
  add_usage(answer.get(), reply.outcome.usage, !embeddings);
  reply.body = base::json_text(answer.get());
  reply.outcome.status = core::Status::kOk;
  reply.outcome.usage_known = true;
}

std::string event_of(const cJSON* json) { return "data: " + base::json_text(json) + "\n\n"; }

// One chunk: what all have in common, and `delta` of one choice.
std::string chunk_of(const cJSON* answer, int index, Json delta, const char* finish_reason) {
  const Json chunk(base::new_object());
  for (const char* const name : {"id", "created", "model"}) {
    base::add(chunk.get(), name, cJSON_Duplicate(member(answer, name), 1));
  }
  base::add_text(chunk.get(), "object", "chat.completion.chunk");
  cJSON* const choice = base::new_object();
  base::append(base::add_array(chunk.get(), "choices"), choice);
  add_count(choice, "index", index);
  base::add(choice, "delta", delta.release());
  if (finish_reason == nullptr) {
    base::add_null(choice, "finish_reason");
  } else {
    base::add_text(choice, "finish_reason", finish_reason);
  }
  return event_of(chunk.get());
}

Json delta_of(const char* name, const std::string& text) {
  Json delta(base::new_object());
  if (name != nullptr) base::add_text(delta.get(), name, text.c_str());
  return delta;
}

// The answer in pieces of one word, as if it were produced now.
void say_in_pieces(MockReply& reply) {
  const ParsedJson parsed = parse_json(reply.body);
  const cJSON* const answer = parsed.value.get();
  const cJSON* choice = nullptr;
  int index = 0;
  cJSON_ArrayForEach(choice, member(answer, "choices")) {
    reply.pieces.push_back(chunk_of(answer, index, delta_of("role", "assistant"), nullptr));
    const std::string text(text_member(member(choice, "message"), "content"));
    for (size_t at = 0; at < text.size();) {
      const size_t next = std::min(text.find(' ', at + 1), text.size());
      reply.pieces.push_back(
          chunk_of(answer, index, delta_of("content", text.substr(at, next - at)), nullptr));
      at = next;
    }
    reply.pieces.push_back(chunk_of(answer, index, delta_of(nullptr, ""), "stop"));
    ++index;
  }
  const Json last(base::new_object());
  for (const char* const name : {"id", "created", "model", "usage"}) {
    base::add(last.get(), name, cJSON_Duplicate(member(answer, name), 1));
  }
  base::add_text(last.get(), "object", "chat.completion.chunk");
  base::add_array(last.get(), "choices");
  reply.pieces.push_back(event_of(last.get()));
  reply.pieces.emplace_back("data: [DONE]\n\n");
  reply.body.clear();
}

void fail(MockReply& reply, Operation operation, int http_status, const char* code,
          const char* message, core::DurationNs wait) {
  WireResponse response;
  response.http_status = http_status;
  response.body = std::string(R"({"error":{"message":")") + message + R"(","type":")" + code +
                  R"(","param":null,"code":")" + code + R"("}})";
  response.headers.emplace_back("x-request-id", reply.outcome.provider_request_id);
  if (wait.ns > 0) {
    const int64_t ms = wait.ns / 1'000'000 + (wait.ns % 1'000'000 > 0 ? 1 : 0);
    response.headers.emplace_back("retry-after-ms", std::to_string(ms));
  }
  reply.outcome = parse_response(*find_profile("openai"), operation, response, 0);
  reply.http_status = http_status;
  reply.body = std::move(response.body);
}

}  // namespace

MockReply mock_reply(const MockOptions& options, std::string_view model, Operation operation,
                     std::string_view payload, uint64_t call_number, bool stream) {
  core::Random random = random_for(options.seed, payload, call_number);
  MockReply reply;
  reply.latency = {random.between(options.latency_min.ns, options.latency_max.ns)};
  reply.outcome.provider_request_id = "req-mock-" + hex(random.next());
  double draw = unit_interval(random);
  if (draw < options.fail_server) {
    fail(reply, operation, 500, "server_error", "The mock was told to fail.", {});
    return reply;
  }
  draw -= options.fail_server;
  if (draw < options.fail_rate_limited) {
    fail(reply, operation, 429, "rate_limit_exceeded", "The mock was told to refuse.",
         options.retry_after);
    return reply;
  }
  draw -= options.fail_rate_limited;
  if (draw < options.fail_hang) {
    reply.hangs = true;
    return reply;
  }
  const ParsedJson parsed = parse_json(payload);
  Question question{model, parsed.value.get(), {}};
  if (const auto estimate = inspect_payload(operation, payload, 0)) {
    question.estimate = estimate.value();
  } else {
    question.estimate.input_tokens =
        (static_cast<int64_t>(payload.size()) + kBytesPerToken - 1) / kBytesPerToken;
  }
  answer_well(reply, question, operation, random);
  if (!stream) return reply;
  say_in_pieces(reply);
  if (options.tokens_per_s > 0) reply.gap.ns = kNsPerSecond / options.tokens_per_s;
  if (unit_interval(random) < options.fail_cut) {
    const auto pieces = static_cast<int64_t>(reply.pieces.size());
    reply.pieces.resize(static_cast<size_t>(random.between(1, pieces - 1)));
  }
  return reply;
}

std::unique_ptr<StreamReader> mock_stream_reader(Operation operation) {
  return std::make_unique<StreamReader>(*find_profile("openai"), operation, StreamWire::kChat);
}

}  // namespace llmq::provider
