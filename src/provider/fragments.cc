#include "provider/fragments.h"

#include <algorithm>
#include <array>
#include <utility>

namespace llmq::provider {
namespace {

// Strings that name or classify: they come whole, some of them with every piece.
constexpr std::array<std::string_view, 14> kNames{
    "id",    "type",     "role",   "name",          "object",      "model",
    "tool",  "format",   "status", "finish_reason", "stop_reason", "native_finish_reason",
    "index", "signature"};

bool is_name(std::string_view member) {
  return std::find(kNames.begin(), kNames.end(), member) != kNames.end();
}

constexpr size_t kMostMembers = 256;
constexpr size_t kMostIndices = 4096;

int64_t index_of(const cJSON* element) {
  const cJSON* const index = member(element, "index");
  const bool usable = cJSON_IsNumber(index) != 0 && index->valuedouble >= 0;
  return usable && index->valuedouble < 1e6 ? static_cast<int64_t>(index->valuedouble) : -1;
}

}  // namespace

void Fragments::merge_member(std::string_view name, const cJSON* piece) {
  root_.kind = Kind::kObject;
  if (Node* const one = child(root_, name)) merge(*one, piece);
}

Fragments::Node* Fragments::child(Node& node, std::string_view name) {
  for (Node& known : node.children) {
    if (known.name == name) return &known;
  }
  if (node.children.size() >= kMostMembers) return nullptr;
  Node& made = node.children.emplace_back();
  made.name = name;
  return &made;
}

Fragments::Node* Fragments::element(Node& node, int64_t index) {
  if (index >= 0) {
    for (Node& known : node.children) {
      if (known.index == index) return &known;
    }
    if (node.children.size() >= kMostIndices) return nullptr;
  }
  Node& made = node.children.emplace_back();
  made.index = index;
  return &made;
}

void Fragments::merge(Node& node, const cJSON* piece) {
  if (piece == nullptr) return;
  if (cJSON_IsNull(piece) != 0 && node.kind != Kind::kNothing) return;
  if (cJSON_IsString(piece) != 0) {
    const std::string_view text = piece->valuestring;
    if (node.kind == Kind::kText && is_name(node.name)) {
      if (!text.empty()) node.text = text;
      return;
    }
    node.kind = Kind::kText;
    node.text.append(text);
  } else if (cJSON_IsObject(piece) != 0) {
    node.kind = Kind::kObject;
    const cJSON* one = nullptr;
    cJSON_ArrayForEach(one, piece) {
      if (Node* const known = child(node, one->string)) merge(*known, one);
    }
  } else if (cJSON_IsArray(piece) != 0) {
    node.kind = Kind::kArray;
    merge_elements(node, piece);
  } else {
    node.kind = Kind::kOther;
    node.other.reset(base::or_throw(cJSON_Duplicate(piece, 0)));
  }
}

void Fragments::merge_elements(Node& node, const cJSON* pieces) {
  const cJSON* piece = nullptr;
  cJSON_ArrayForEach(piece, pieces) {
    if (Node* const one = element(node, index_of(piece))) merge(*one, piece);
  }
}

base::Json Fragments::build(const Node& node) {
  base::Json made;
  switch (node.kind) {
    case Kind::kNothing:
      break;
    case Kind::kText:
      made.reset(base::new_text(node.text.c_str()));
      break;
    case Kind::kOther:
      made = copy_of(node.other.get());
      break;
    case Kind::kObject:
      made.reset(base::new_object());
      for (const Node& one : node.children) {
        if (base::Json value = build(one)) {
          base::add(made.get(), one.name.c_str(), value.release());
        }
      }
      break;
    case Kind::kArray:
      made.reset(base::new_array());
      for (const Node& one : node.children) {
        if (base::Json element = build(one)) {
          base::append(made.get(), element.release());
        }
      }
      break;
  }
  return made;
}

size_t text_bytes(const cJSON* piece) {
  if (cJSON_IsString(piece) != 0) {
    const bool named = piece->string != nullptr && is_name(piece->string);
    return named ? 0 : std::string_view(piece->valuestring).size();
  }
  size_t bytes = 0;
  const cJSON* one = nullptr;
  cJSON_ArrayForEach(one, piece) bytes += text_bytes(one);
  return bytes;
}

void set_member(cJSON* object, const char* name, base::Json value) {
  if (value == nullptr || cJSON_IsObject(object) == 0) return;
  cJSON_DeleteItemFromObjectCaseSensitive(object, name);
  base::add(object, name, value.release());
}

void replace_members(const cJSON* from, cJSON* to, std::string_view but) {
  size_t count = 0;
  const cJSON* one = nullptr;
  cJSON_ArrayForEach(one, from) {
    if (++count > kMostMembers) return;
    if (one->string != but) set_member(to, one->string, copy_of(one));
  }
}

base::Json copy_of(const cJSON* value) {
  return base::Json(value == nullptr ? nullptr : base::new_copy(value));
}

}  // namespace llmq::provider
