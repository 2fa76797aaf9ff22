// How the connections of a deployment are made.
#ifndef LLMQ_RUNTIME_TRANSPORT_H_
#define LLMQ_RUNTIME_TRANSPORT_H_

#include "config/model_config.h"
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

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_TRANSPORT_H_
