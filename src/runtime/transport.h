// How the connections of a model are made.
#ifndef LLMQ_RUNTIME_TRANSPORT_H_
#define LLMQ_RUNTIME_TRANSPORT_H_

#include "config/model_config.h"
#include "http/client.h"

namespace llmq::runtime {

inline http::Transport transport_of(const config::ModelConfig& model) {
  http::Transport transport;
  transport.connect_timeout = model.connect_timeout;
  transport.ca_file = model.ca_file;
  transport.client_cert_file = model.client_cert_file;
  transport.client_key_file = model.client_key_file;
  transport.proxy = model.proxy;
  return transport;
}

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_TRANSPORT_H_
