// Whether and how the connections of a deployment are made.
#ifndef LLMQ_RUNTIME_TRANSPORT_H_
#define LLMQ_RUNTIME_TRANSPORT_H_

#include "config/model_config.h"
#include "core/result.h"
#include "http/client.h"

namespace llmq::runtime {

inline http::Transport transport_of(const config::DeploymentConfig& config) {
  http::Transport transport;
  transport.connect_timeout = config.connect_timeout;
  transport.ca_file = config.ca_file;
  transport.client_cert_file = config.client_cert_file;
  transport.client_key_file = config.client_key_file;
  transport.proxy = config.proxy;
  return transport;
}

// A deployment of a provider over HTTP needs libcurl, which is loaded here. The error names the
// setting.
core::Result<core::Done> check_transport(const config::DeploymentConfig& config);

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_TRANSPORT_H_
