// SPDX-License-Identifier: BSL-1.0
//
// A list whose elements carry the links: nothing is allocated, and an element that is destroyed
// leaves the list by itself. Boost.Intrusive would do the same, and would cost a program that
// includes <sluice/http.hpp> a twentieth more time to compile.
#pragma once

#include <sluice/config.hpp>

namespace sluice::detail {

template <class T>
class List;

/// The base of a T that can be in one List<T> at a time: public, or the list is a friend.
template <class T>
class Linked {
 public:
  Linked(const Linked&) = delete;
  Linked& operator=(const Linked&) = delete;

 protected:
  Linked() = default;
  ~Linked() { unlink(); }

  bool isLinked() const { return next_ != nullptr; }
  /// Takes it out. The list if this was its last element; null otherwise, or if it was in none.
  List<T>* unlink() {
    if (next_ == nullptr) return nullptr;
    Linked* const next = next_;
    previous_->next_ = next;
    next->previous_ = previous_;
    previous_ = next_ = nullptr;
    // Alone in its ring is the list itself.
    return next->next_ == next ? static_cast<List<T>*>(next) : nullptr;
  }

 private:
  friend class List<T>;

  Linked* previous_ = nullptr;
  Linked* next_ = nullptr;
};

template <class T>
class List : private Linked<T> {
  using Link = Linked<T>;

 public:
  class Iterator {
   public:
    explicit Iterator(Link* at) : at_(at) {}
    T& operator*() const { return static_cast<T&>(*at_); }
    T* operator->() const { return &**this; }
    Iterator& operator++() {
      at_ = at_->next_;
      return *this;
    }
    /// The element that it leaves may leave the list.
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator&) const = default;

   private:
    Link* at_;
  };

  List() { reset(); }
  ~List() { clear(); }

  bool empty() const { return this->next_ == this; }
  T& front() const { return static_cast<T&>(*this->next_); }
  T& back() const { return static_cast<T&>(*this->previous_); }
  Iterator begin() const { return Iterator(this->next_); }
  Iterator end() const { return Iterator(const_cast<List*>(this)); }

  static bool contains(const T& element) { return static_cast<const Link&>(element).isLinked(); }
  /// It may be in no list.
  static void remove(T& element) { static_cast<Link&>(element).unlink(); }

  void pushFront(T& element) { insert(element, *this->next_); }
  void pushBack(T& element) { insert(element, *this); }
  T& popFront() {
    T& element = front();
    remove(element);
    return element;
  }
  /// Puts all elements of `other` at the end.
  void append(List& other) {
    if (other.empty()) return;
    Link& first = *other.next_;
    Link& last = *other.previous_;
    first.previous_ = this->previous_;
    last.next_ = this;
    this->previous_->next_ = &first;
    this->previous_ = &last;
    other.reset();
  }
  /// Takes all elements out, and destroys none.
  void clear() {
    while (!empty()) this->next_->unlink();
  }

 private:
  friend class Linked<T>;

  void reset() { this->previous_ = this->next_ = this; }
  void insert(Link& element, Link& before) {
    element.previous_ = before.previous_;
    element.next_ = &before;
    before.previous_->next_ = &element;
    before.previous_ = &element;
  }
};

}  // namespace sluice::detail
