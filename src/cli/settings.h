// The configuration that a command works with: flag > LLMQ_* > file > default, and where each value
// came from.
#ifndef LLMQ_CLI_SETTINGS_H_
#define LLMQ_CLI_SETTINGS_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/flags.h"
#include "cli/handles.h"

namespace llmq::cli {

class Settings {
 public:
  // Throws a Failure that names the flag, variable or file that is at fault.
  Settings(const CallFlags& flags, const std::string& config_path);

  const llmq_conf_t* conf() const { return conf_.get(); }
  // The same settings with one more model, which has nothing but what every model has. `fault`: why
  // no model can be called so.
  Conf with_model(const std::string& model, std::string& fault) const;
  std::vector<std::string> models() const;
  std::vector<std::string> pools() const;
  std::vector<std::string> tenants() const;
  // Of a model; none if its only deployment has no name.
  std::vector<std::string> deployments(const std::string& model) const;
  // Is there a price for the tokens of the model ("*": of those that the file does not name)?
  bool has_prices(const std::string& model) const;
  // May requests name models that the file does not?
  bool takes_any_model() const { return any_model_; }

  std::string get(const std::string& key, bool* is_default = nullptr) const;
  // "flag --limit", "LLMQ_LIMIT", "file", "default".
  std::string source_of(const std::string& key) const;

 private:
  void read_file(const std::string& path);
  void take_openai_base_url();
  void set(const std::string& key, const std::string& value, const std::string& source);
  // For every model, whatever the file and the layers below say.
  void set_for_all(const std::string& name, const std::string& value, const std::string& source);
  void set_limits(const std::vector<std::string>& limits, const std::string& source);
  std::vector<std::string> names(
      const std::function<llmq_status_t(const llmq_conf_t*, char**)>& list) const;
  void layer(const CallFlags& values, const CallFlags& sources, const char* limit_source);

  Conf conf_;
  bool any_model_ = true;
  std::vector<std::string> file_models_;
  std::map<std::string, std::string> sources_;  // key -> source, for what a flag or variable set
};

}  // namespace llmq::cli

#endif  // LLMQ_CLI_SETTINGS_H_
