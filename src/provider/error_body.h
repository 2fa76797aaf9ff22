// What the body of a failure says of it, whatever its shape.
#ifndef LLMQ_PROVIDER_ERROR_BODY_H_
#define LLMQ_PROVIDER_ERROR_BODY_H_

#include <string>
#include <string_view>

#include "provider/json.h"

namespace llmq::provider {

// Views into the parsed body; "" where nothing is said.
struct ErrorBody {
  std::string_view message;
  std::string_view code;            // in letters
  std::string_view type;            // also Google's "status"
  std::string_view exception;       // AWS: "ThrottlingException"
  std::string_view cause;           // a finer code: details.error_code, innererror.code, "reason"
  std::string_view source;          // OpenRouter: whose limit it was
  int number = 0;                   // a code in digits, where it may be an HTTP status
  const cJSON* details = nullptr;   // Google: a list of typed objects
  const cJSON* metadata = nullptr;  // OpenRouter
  double retry_after_s = -1;        // a member of that name

  // What a program would call this error: the code, else the type, else the number; "" if none.
  std::string name() const;
};

// {"error":{..}}, [{"error":{..}}], {"error":"text"}, {"code":"..","error":"text"}, {"message":..},
// {"detail":"text" or [{"msg":..}]}, {"type":"error",..}, {"response":{"error":{..}}},
// {"x_groq":{"error":"text"}}. nullptr is an empty error.
ErrorBody read_error_body(const cJSON* body);

// Does this JSON value, which came with HTTP 200, tell of a failure? As a whole answer or as an
// event of a stream.
bool is_error(const cJSON* body);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_ERROR_BODY_H_
