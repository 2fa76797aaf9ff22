// The URLs of the providers' operations.
#ifndef LLMQ_PROVIDER_REQUEST_URL_H_
#define LLMQ_PROVIDER_REQUEST_URL_H_

#include <string>
#include <string_view>

#include "provider/request.h"

namespace llmq::provider {

// `model` is what the URL is to name, where it names one.
std::string request_url(const Endpoint& endpoint, Operation operation, std::string_view model,
                        bool stream);

// Does the URL name the model, or the deployment of it?
bool url_names_model(const Endpoint& endpoint, Operation operation);

// A model's name as part of a path: all but letters, digits, and -._~:@/ are escaped.
std::string escaped_path(std::string_view name);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_REQUEST_URL_H_
