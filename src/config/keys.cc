#include "config/keys.h"

#include <deque>
#include <limits>
#include <memory>

#include "config/limit_options.h"
#include "config/row_makers.h"

namespace llmq::config {
namespace {

constexpr int64_t kMaxTokens = 1'000'000'000;
constexpr core::DurationNs kMinute = core::seconds(60);
constexpr core::DurationNs kDay = core::seconds(24 * 3600);

constexpr Choice kLevels[] = {{"trace", 0}, {"debug", 1}, {"info", 2}, {"warn", 3},
                              {"error", 4}, {"off", 5},   {nullptr, 0}};

constexpr Choice kLoops[] = {{"thread", 0}, {"external", 1}, {nullptr, 0}};

Row manager_integer(const char* name, int64_t min, int64_t max, const char* def, const char* doc,
                    void (*apply)(const Value&, ManagerConfig&)) {
  Row row;
  row.name = name;
  row.min = min;
  row.max = max;
  row.def = def;
  row.doc = doc;
  row.to_manager = apply;
  return row;
}

Row shorthand(const char* name, core::LimitKind kind, core::DurationNs period, const char* doc) {
  Row row = deployment_integer(name, 1, core::kMaxLimitAmount, "", doc, nullptr);
  row.is_limit = true;
  row.limit_kind = kind;
  row.limit_period = period;
  return row;
}

void add_manager_rows(std::deque<Row>& rows) {
  rows.push_back(manager_integer(
      "max_pending", 1, 16'000'000, "10000000",
      "Live requests, waiting or running; one more is LLMQ_ERR_QUEUE_FULL.",
      [](const Value& value, ManagerConfig& config) { config.max_pending = value.number; }));
  rows.push_back(manager_integer(
      "max_pending_bytes", 1, int64_t{1} << 50, "2GiB",
      "Bytes of payload of live requests; more is LLMQ_ERR_QUEUE_FULL.",
      [](const Value& value, ManagerConfig& config) { config.max_pending_bytes = value.number; }));
  rows.back().kind = Kind::kSize;
  rows.push_back(manager_integer(
      "history_max", 0, 1'000'000, "1000",
      "Finished requests per model whose state, timings and usage stay readable.",
      [](const Value& value, ManagerConfig& config) { config.history_max = value.number; }));
  rows.push_back(manager_integer(
      "keep_max", 0, 16'000'000, "10000",
      "Responses kept for llmq_response_get (flag KEEP); the oldest goes first.",
      [](const Value& value, ManagerConfig& config) { config.keep_max = value.number; }));
  rows.push_back(manager_integer("keep_age_s", 1, 31 * 24 * 3600, "600",
                                 "Seconds that a kept response stays readable.",
                                 [](const Value& value, ManagerConfig& config) {
                                   config.keep_age = core::seconds(value.number);
                                 }));
  rows.push_back(manager_integer(
      "max_connections", 1, 65'535, "1024",
      "Connections of the built-in HTTP providers, idle ones included.",
      [](const Value& value, ManagerConfig& config) { config.max_connections = value.number; }));
  rows.push_back(manager_integer(
      "stream_buffer_bytes", 1, int64_t{1} << 40, "256KiB",
      "Bytes of chunks of one streamed request that its caller has not released; beyond it the "
      "provider is made to wait until half of them are.",
      [](const Value& value, ManagerConfig& config) {
        config.stream_buffer_bytes = value.number;
      }));
  rows.back().kind = Kind::kSize;
  rows.push_back(manager_integer(
      "cache.max_bytes", 0, int64_t{1} << 40, "64MiB",
      "Memory for answers that are kept for requests with the same dedup_key (see cache.ttl_s); "
      "those that were not asked for the longest go first.",
      [](const Value& value, ManagerConfig& config) { config.cache_max_bytes = value.number; }));
  rows.back().kind = Kind::kSize;
  rows.push_back(manager_integer("seed", 0, 0, "0",
                                 "Seed of the jitter of retries; 0 takes one from the clock.",
                                 [](const Value& value, ManagerConfig& config) {
                                   config.seed = static_cast<uint64_t>(value.number);
                                 }));
  rows.back().kind = Kind::kUnsigned;
  rows.push_back(manager_integer(
      "loop", 0, 0, "thread",
      "Who runs the manager: a thread of its own, or a loop of the host (llmq_manager_process).",
      [](const Value& value, ManagerConfig& config) { config.external_loop = value.number != 0; }));
  rows.back().kind = Kind::kChoice;
  rows.back().choices = kLoops;
  rows.push_back(manager_integer("log.level", 0, 0, "off",
                                 "Least level of log lines; LLMQ_LOG=level[:file] overrules it.",
                                 [](const Value& value, ManagerConfig& config) {
                                   config.log_level = static_cast<int32_t>(value.number);
                                 }));
  rows.back().kind = Kind::kChoice;
  rows.back().choices = kLevels;
  rows.push_back(manager_integer(
      "log.file", 0, 0, "", "File that log lines are appended to; without it, standard error.",
      [](const Value& value, ManagerConfig& config) { config.log_file = value.text; }));
  rows.back().kind = Kind::kText;
}

// What limits of a model or pool take that do not say it themselves.
void add_limit_defaults(std::deque<Row>& rows, Scope scope) {
  rows.push_back(model_setting("shape", scope, Kind::kChoice, "sliding",
                               "How the provider counts, for limits that do not say it themselves.",
                               nullptr));
  rows.back().choices = kShapeWords;
  rows.back().http_def = "auto";
  rows.push_back(model_setting(
      "charge", scope, Kind::kChoice, "actual",
      "When and what the provider counts, for limits of tokens or cost that do not say it "
      "themselves.",
      nullptr));
  rows.back().choices = kChargeWords;
  rows.back().mock_def = "arrival";
  rows.back().profile_def = [](const provider::Profile& profile) { return profile.charge; };
  rows.push_back(model_integer("jitter_ms", scope, 0, 3'600'000, "auto",
                               "Most that the way to the provider's counter varies, in ms: windows "
                               "are longer by it. auto: a "
                               "hundredth of the period, 20 .. 250.",
                               nullptr));
  rows.back().word = "auto";
}

const char* preset_fault(std::string_view text) {
  return text.empty() || find_preset(text) != nullptr
             ? nullptr
             : "expected the name of a preset; llmq presets lists them";
}

void add_limit_rows(std::deque<Row>& rows) {
  rows.push_back(deployment_setting(
      "preset", Kind::kText, "",
      "Limits that the provider publishes for a plan, such as openai/tier-1: they count where no "
      "limit of the same kind and period is given.",
      nullptr));
  rows.back().fault = preset_fault;
  rows.push_back(deployment_setting(
      "find_limits", Kind::kBool, "false",
      "Keep limits that answers show and nobody has configured. Until one has been shown, few "
      "calls run at a time: one at first, twice as many after each answer; of a provider that "
      "shows "
      "none before it refuses, four start per second at first, and then more and more.",
      [](const Value& value, DeploymentConfig& config) {
        config.finds_limits = value.number != 0;
      }));
  rows.back().http_def = "true";
  rows.push_back(deployment_setting(
      "limits", Kind::kLimits, "",
      "All limits as text; replaces every limit that was given before.", nullptr));
  rows.push_back(deployment_setting(
      "limit", Kind::kLimits, "",
      "Limits that take the place of those of the same kind and period alone, however these were "
      "given.",
      nullptr));
  using core::LimitKind;
  rows.push_back(shorthand("rpm", LimitKind::kRequests, kMinute, "Requests per minute."));
  rows.push_back(shorthand("rpd", LimitKind::kRequests, kDay, "Requests per day."));
  rows.push_back(shorthand("tpm", LimitKind::kTokens, kMinute, "Tokens per minute."));
  rows.push_back(shorthand("tpd", LimitKind::kTokens, kDay, "Tokens per day."));
  rows.push_back(shorthand("itpm", LimitKind::kInputTokens, kMinute, "Input tokens per minute."));
  rows.push_back(shorthand("otpm", LimitKind::kOutputTokens, kMinute, "Output tokens per minute."));
  rows.push_back(shorthand("concurrency", LimitKind::kConcurrency, {}, "Attempts at a time."));
  rows.push_back(shorthand("rate_limit", LimitKind::kRequests, {}, "Requests per time_period_s."));
  rows.push_back(deployment_integer("time_period_s", 1, 31 * 24 * 3600, "60",
                                    "Seconds that rate_limit counts over.", nullptr));
  add_limit_defaults(rows, Scope::kDeployment);
}

void add_price_rows(std::deque<Row>& rows) {
  const auto price = [&rows](const char* name, const char* doc,
                             void (*apply)(const Value&, DeploymentConfig&)) {
    rows.push_back(deployment_setting(name, Kind::kMoney, "", doc, apply));
  };
  price("price_input", "Money per million input tokens, in the unit of limits of cost.",
        [](const Value& value, DeploymentConfig& config) {
          config.prices.input = value.number;
          config.has_prices = true;
        });
  price("price_output", "Money per million output tokens.",
        [](const Value& value, DeploymentConfig& config) {
          config.prices.output = value.number;
          config.has_prices = true;
        });
  price("price_cached_input",
        "Money per million input tokens that come from a cache; without it, price_input.",
        [](const Value& value, DeploymentConfig& config) {
          config.prices.cached_input = value.number;
          config.has_prices = true;
        });
}

void add_pool_rows(std::deque<Row>& rows) {
  rows.push_back(model_setting("limits", Scope::kPool, Kind::kLimits, "",
                               "Limits that the models which name the pool share, as text.",
                               nullptr));
  add_limit_defaults(rows, Scope::kPool);
  rows.push_back(model_setting("time_zone", Scope::kPool, Kind::kZone, "UTC",
                               "Time zone of the pool's calendar windows.", nullptr));
  rows.back().to_pool = [](const Value& value, PoolConfig& pool) { pool.time_zone = value.text; };
}

void add_tenant_rows(std::deque<Row>& rows) {
  const auto setting = [&rows](const char* name, int64_t min, int64_t max, const char* def,
                               const char* doc,
                               void (*apply)(const Value&, TenantConfig&)) -> Row& {
    rows.push_back(model_integer(name, Scope::kTenant, min, max, def, doc, nullptr));
    rows.back().to_tenant = apply;
    return rows.back();
  };
  setting("weight", 1, 1'000'000, "1",
          "The tenant's part of what is scarce, against the weights of the tenants that wait too.",
          [](const Value& value, TenantConfig& tenant) { tenant.weight = value.number; });
  setting("max_pending", 0, 16'000'000, "0",
          "Live requests of the tenant; 0 = no bound but the manager's.",
          [](const Value& value, TenantConfig& tenant) { tenant.max_pending = value.number; });
  setting("max_pending_bytes", 0, int64_t{1} << 50, "0",
          "Bytes of payload of the tenant's live requests; 0 = no bound but the manager's.",
          [](const Value& value, TenantConfig& tenant) { tenant.max_pending_bytes = value.number; })
      .kind = Kind::kSize;
}

void add_model_rows(std::deque<Row>& rows) {
  rows.push_back(deployment_setting(
      "pool", Kind::kNames, "",
      "Pools whose limits the model shares with others: names separated by commas.",
      [](const Value& value, DeploymentConfig& config) { config.pools = names_of(value.text); }));
  rows.push_back(model_setting(
      "time_zone", Scope::kModel, Kind::kZone, "UTC", "Time zone of the model's calendar windows.",
      [](const Value& value, ModelConfig& model) { model.time_zone = value.text; }));
  rows.push_back(deployment_integer(
      "max_in_flight", 1, 1'000'000, "256", "Attempts at a time where no concurrency limit is set.",
      [](const Value& value, DeploymentConfig& config) { config.max_in_flight = value.number; }));
  rows.push_back(deployment_setting("adaptive_concurrency", Kind::kBool, "true",
                                    "Run fewer attempts at a time while the provider is overloaded "
                                    "(503, 529, time-outs), as many "
                                    "as go well, and more again bit by bit.",
                                    [](const Value& value, DeploymentConfig& config) {
                                      config.adaptive_concurrency = value.number != 0;
                                    }));
  rows.push_back(deployment_integer(
      "weight", 1, 1'000'000, "1",
      "A deployment's part of the calls that several could start, against the weights of those.",
      [](const Value& value, DeploymentConfig& config) { config.weight = value.number; }));
  rows.push_back(deployment_integer(
      "order", 0, 1000, "0",
      "Deployments of a lower order come first; others start what these cannot.",
      [](const Value& value, DeploymentConfig& config) { config.order = value.number; }));
  rows.push_back(
      model_integer("timeout_ms", Scope::kModel, 0, kMaxMs, "600000",
                    "Longest that one attempt may take, in ms; 0 = no bound.",
                    [](const Value& value, ModelConfig& model) { model.timeout = as_ms(value); }));
  rows.push_back(model_integer(
      "stream_idle_timeout_ms", Scope::kModel, 0, kMaxMs, "120000",
      "Longest silence of a provider in the middle of a streamed answer, in ms; 0 = no bound.",
      [](const Value& value, ModelConfig& model) { model.stream_idle_timeout = as_ms(value); }));
  rows.push_back(model_integer(
      "est_output_tokens", Scope::kModel, 0, kMaxTokens, "0",
      "Output tokens expected where neither the request nor its body says a number, until 20 "
      "answers "
      "have told what 95 of 100 do not pass; with limits of charge arrival, always.",
      [](const Value& value, ModelConfig& model) { model.est_output_tokens = value.number; }));
  rows.back().http_def = rows.back().mock_def = "256";
  rows.push_back(model_integer(
      "cache.ttl_s", Scope::kModel, 0, 31 * 24 * 3600, "0",
      "Seconds for which an answer is given again to requests with the same dedup_key, tenant, "
      "operation and payload: no call, no quota. 0 = never.",
      [](const Value& value, ModelConfig& model) {
        model.cache_ttl = core::seconds(value.number);
      }));
  rows.push_back(model_integer(
      "plan.latency_ms", Scope::kModel, 0, kMaxMs, "1000",
      "What a plan (llmq run --dry-run) takes a call to last before its output begins, in ms.",
      [](const Value& value, ModelConfig& model) { model.plan_latency = as_ms(value); }));
  rows.push_back(model_integer(
      "plan.tokens_per_s", Scope::kModel, 1, 1'000'000, "60",
      "Output tokens per second that a plan takes a call to produce.",
      [](const Value& value, ModelConfig& model) { model.plan_tokens_per_s = value.number; }));
}

// What llmq_manager_set takes: what the loop can change between two requests.
bool changes_live(const Row& row) {
  const std::string_view name = row.name;
  if (row.scope == Scope::kManager) return name == "max_pending" || name == "max_pending_bytes";
  if (row.scope == Scope::kTenant) return false;
  return name != "pool" && name != "time_zone" && name.substr(0, 5) != "plan.";
}

// Never destroyed: a thread may still read a key's name while the process ends.
const std::deque<Row>& table() {
  static const std::deque<Row>& rows = *[] {
    auto made = std::make_unique<std::deque<Row>>();
    add_manager_rows(*made);
    add_pool_rows(*made);
    add_tenant_rows(*made);
    add_limit_rows(*made);
    add_price_rows(*made);
    add_model_rows(*made);
    add_resilience_rows(*made);
    for (Row& row : *made) row.live = changes_live(row);
    add_deployment_rows(*made);
    add_mock_rows(*made);
    return made.release();
  }();
  return rows;
}

// What a list of keys says of it; "" if it is the same as without a provider.
std::string http_default_text(const Row& row) {
  if (row.http_def != nullptr) return row.http_def;
  return row.profile_def == nullptr ? "" : "as in the table of providers";
}

std::string listed_key(const Row& row) {
  const Owner owner = owner_of(row.scope);
  return owner == Owner::kManager ? row.name : owner_name(owner) + std::string(".*.") + row.name;
}

}  // namespace

std::string_view Row::default_for(const ProviderChoice& provider) const {
  if (provider.kind == ProviderKind::kHttp) {
    if (profile_def != nullptr) return profile_def(*provider.profile);
    if (http_def != nullptr) return http_def;
  }
  if (provider.kind == ProviderKind::kMock && mock_def != nullptr) return mock_def;
  return def;
}

std::string Row::type_text() const {
  const std::string range = std::to_string(min) + " .. " + std::to_string(max);
  const std::string or_word = word == nullptr ? "" : std::string(" or ") + word;
  switch (kind) {
    case Kind::kInteger:
      return "integer " + range + or_word;
    case Kind::kUnsigned:
      return "integer 0 .. " + std::to_string(std::numeric_limits<uint64_t>::max());
    case Kind::kSize:
      return "bytes " + range + ", or with KiB, MiB, GiB or TiB";
    case Kind::kFraction:
      return "fraction 0 .. 1 with at most 9 decimals";
    case Kind::kBool:
      return "true or false";
    case Kind::kChoice: {
      std::string text = "one of";
      for (const Choice* choice = choices; choice->text != nullptr; ++choice) {
        text += std::string(choice == choices ? " " : ", ") + choice->text;
      }
      return text;
    }
    case Kind::kText:
      return "text without control characters";
    case Kind::kVariable:
      return "name of an environment variable";
    case Kind::kUrl:
      return "URL, http:// or https://";
    case Kind::kRange:
      return "integer " + range + ", or least..greatest";
    case Kind::kLimits:
      return "KIND=AMOUNT[/PERIOD][,OPTION...], separated by ;";
    case Kind::kMoney:
      return "money 0 .. 1000000000 with at most 6 decimals";
    case Kind::kNames:
      return "names separated by commas";
    case Kind::kHeaders:
      return "Name: value, separated by |; in JSON an array of such texts";
    case Kind::kZone:
      return "name of a time zone, such as UTC or Europe/Berlin";
  }
  return "";
}

const std::deque<Row>& rows() { return table(); }

// The list with the texts that its rows point to.
struct KeyList {
  KeyList() {
    for (const Row& row : table()) {
      std::string def = row.def;
      const std::string over_http = http_default_text(row);
      if (!over_http.empty()) {
        def += std::string(def.empty() ? "" : "; ") + "with a provider over HTTP " + over_http;
      }
      if (row.mock_def != nullptr) def += std::string("; with provider mock ") + row.mock_def;
      const std::string doc = std::string(row.doc) +
                              (row.scope == Scope::kDeployment ? " Per deployment." : "") +
                              (row.live ? " Live." : "");
      infos.push_back({keep(listed_key(row)), keep(row.type_text()), keep(def), keep(doc)});
    }
  }
  const char* keep(const std::string& text) {
    texts.push_back(text);
    return texts.back().c_str();
  }
  std::deque<std::string> texts;
  std::vector<KeyInfo> infos;
};

const std::vector<KeyInfo>& keys() {
  static const KeyList& list = *std::make_unique<KeyList>().release();
  return list.infos;
}

const Row* find_row(Owner owner, std::string_view name) {
  for (const Row& row : table()) {
    if (owner_of(row.scope) == owner && row.name == name) return &row;
  }
  return nullptr;
}

const Row* model_row(std::string_view name) { return find_row(Owner::kModel, name); }

}  // namespace llmq::config
