// JSON values that come in pieces, put together again.
#ifndef LLMQ_PROVIDER_FRAGMENTS_H_
#define LLMQ_PROVIDER_FRAGMENTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "provider/json.h"

namespace llmq::provider {

// One value. Merging an object merges its members; an array's elements are matched by their member
// "index", those without are appended; strings grow, but for names and kinds (id, type, role, ...),
// which are replaced; numbers and booleans are replaced; null changes nothing that is there.
// What no provider sends, thousands of members or indices, is left out beyond a bound.
class Fragments {
 public:
  void merge(const cJSON* piece) { merge(root_, piece); }
  // The same for one member of an object.
  void merge_member(std::string_view name, const cJSON* piece);

  bool empty() const { return root_.kind == Kind::kNothing; }
  // nullptr if nothing has come.
  base::Json whole() const { return build(root_); }

 private:
  enum class Kind : uint8_t { kNothing, kText, kOther, kObject, kArray };
  struct Node {
    std::string name;    // in an object
    int64_t index = -1;  // in an array; -1 = has none
    Kind kind = Kind::kNothing;
    std::string text;
    base::Json other;
    std::vector<Node> children;
  };

  static void merge(Node& node, const cJSON* piece);
  static void merge_elements(Node& node, const cJSON* pieces);
  static Node* child(Node& node, std::string_view name);  // nullptr beyond the bound
  static Node* element(Node& node, int64_t index);
  static base::Json build(const Node& node);

  Node root_;
};

// Bytes of text for the user in a piece of an answer, however deep: names and kinds aside.
size_t text_bytes(const cJSON* piece);

// Sets a member, in place of one that is there. A nullptr adds nothing.
void set_member(cJSON* object, const char* name, base::Json value);
// Members of `from`, but for one, take the place of those of `to`; of a very large object the first
// few hundred.
void replace_members(const cJSON* from, cJSON* to, std::string_view but = {});
base::Json copy_of(const cJSON* value);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_FRAGMENTS_H_
