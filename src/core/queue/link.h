// Lists whose links live in the items: no allocation, O(1) removal from the middle.
#ifndef LLMQ_CORE_QUEUE_LINK_H_
#define LLMQ_CORE_QUEUE_LINK_H_

#include <cassert>

namespace llmq::core {

// A place in at most one list; nullptr while in none.
struct Link {
  Link* prev = nullptr;
  Link* next = nullptr;

  bool linked() const { return next != nullptr; }

  void unlink() {
    assert(linked());
    // The analyzer does not see that an unlinked item is in no list.
    prev->next = next;  // NOLINT(clang-analyzer-core.NullDereference)
    next->prev = prev;
    prev = next = nullptr;
  }
};

// A circular list around its own head.
class LinkList {
 public:
  LinkList() { head_.prev = head_.next = &head_; }
  LinkList(const LinkList&) = delete;
  LinkList& operator=(const LinkList&) = delete;

  bool empty() const { return head_.next == &head_; }
  Link* front() { return empty() ? nullptr : head_.next; }

  Link* back() { return empty() ? nullptr : head_.prev; }
  // The neighbours of one that is in this list; nullptr at its ends.
  Link* after(const Link& link) { return link.next == &head_ ? nullptr : link.next; }
  Link* before(const Link& link) { return link.prev == &head_ ? nullptr : link.prev; }

  void push_back(Link& link) {
    assert(!link.linked());
    link.prev = head_.prev;
    link.next = &head_;
    head_.prev->next = &link;
    head_.prev = &link;
  }

  // Moves everything of this list into `other`, which must be empty.
  void move_to(LinkList& other) {
    assert(other.empty());
    if (empty()) return;
    other.head_.next = head_.next;
    other.head_.prev = head_.prev;
    head_.next->prev = &other.head_;
    head_.prev->next = &other.head_;
    head_.prev = head_.next = &head_;
  }

 private:
  Link head_;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_QUEUE_LINK_H_
