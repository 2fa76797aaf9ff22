// From a request to what goes over the wire.
//
// A request has the neutral form (OpenAI's chat completions or embeddings), or the provider's own:
// OPERATION   BODY
// chat        neutral; translated where the wire has another form
// embeddings  neutral; translated likewise
// messages    Anthropic's own, byte for byte
// responses   OpenAI's Responses API, byte for byte
// custom      the main endpoint's own, byte for byte
#ifndef LLMQ_PROVIDER_REQUEST_H_
#define LLMQ_PROVIDER_REQUEST_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "provider/profile.h"
#include "provider/provider.h"

namespace llmq::provider {

// Where the calls of a model go.
struct Endpoint {
  const Profile* profile;        // never null
  std::string_view base_url;     // of the API
  std::string_view model;        // its name in llmq
  std::string_view deployment;   // what the provider calls it; "" = as its body, else llmq does
  std::string_view api_version;  // "" = none is named
  const std::vector<Header>* headers = nullptr;  // in addition, or in place of its own
};

// A payload that has been looked at.
struct Prepared {
  Estimate estimate;
  std::optional<std::string> body;  // nullopt: the payload goes as it is
  std::string model;                // that the URL names; "" where it names none
};

// May this provider run this operation, is the payload one JSON object in UTF-8 that its API can
// express, and how many tokens will it be? Called on the submitter's thread, so that a bad body is
// an error at submit. `stream` asks for the answer in pieces.
core::Result<Prepared> prepare(const Endpoint& endpoint, Operation operation,
                               std::string_view payload, bool stream,
                               int64_t default_output_tokens);

// The payload with another name as its "model", if it has one; it must be one JSON object.
std::string with_model(std::string_view payload, std::string_view model);

// Does prepare() make the same of a payload for both, or nothing of it, but for their names of the
// model?
bool same_form(const Endpoint& a, const Endpoint& b);

// URL and headers of one attempt; `model` is Prepared::model. No key: no header for it.
core::Result<WireRequest> build_request(const Endpoint& endpoint, Operation operation,
                                        std::string_view model, bool stream,
                                        std::string_view api_key);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_REQUEST_H_
