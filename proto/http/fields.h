// Fields: the field lines of one message, in the order they came.
//
// Names and values are views into an arena that never moves what it holds: pointers stay good until clear(). The usual
// head (32 fields, 1.5 KiB) needs no heap; a larger one takes chunks that the next message on the connection uses
// again. Each line carries its FieldId, so that looking up a name the proxy knows compares integers. Removing marks the
// line and leaves its bytes where they are.
//
// What goes in by add() and set() is checked, so nothing that came from a hook or the configuration can smuggle a line
// end into a head; the parser, which has checked already, uses add_checked(). Fields is a resource: it neither copies
// nor moves.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proto/http/field_id.h"

namespace sluice::http {

struct Field {
  std::string_view name;
  std::string_view value;
  FieldId id = FieldId::kOther;
};

class Members;

class Fields {
 public:
  Fields() = default;
  Fields(Fields&&) = delete;
  ~Fields() = default;

  /// Appends a line. Errors: kBadSyntax when the name is no token or the value holds a control byte or is not trimmed;
  /// nothing is added then.
  [[nodiscard]] Result<> add(std::string_view name, std::string_view value);
  /// Replaces every line of that name by one, in the place of the first. Errors: as add().
  [[nodiscard]] Result<> set(std::string_view name, std::string_view value);
  /// For values that the proxy itself made: a value that may not stand in a field is a bug and aborts.
  void add(FieldId id, std::string_view value);
  void set(FieldId id, std::string_view value);
  /// Returns how many lines went.
  std::size_t remove(FieldId id);
  std::size_t remove(std::string_view name);

  /// The value of the first line of that name.
  [[nodiscard]] std::optional<std::string_view> find(FieldId id) const;
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] bool has(FieldId id) const { return may_have(id) && find(id).has_value(); }
  /// False: no line has one of these names, which is one comparison to know. True: one may have, or had.
  [[nodiscard]] bool may_have(FieldIds ids) const { return (seen_ & ids.bits()) != 0; }
  [[nodiscard]] bool has(std::string_view name) const { return find(name).has_value(); }
  /// How many lines have that name.
  [[nodiscard]] std::size_t count(FieldId id) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  /// The members of a list field over all its lines (RFC 9110 section 5.6.1): trimmed, empty ones left out, commas
  /// inside quoted strings left alone. `for (std::string_view option : fields.members(FieldId::kConnection))`
  [[nodiscard]] Members members(FieldId id) const;
  /// True when a member of the list equals the token, whatever its case.
  [[nodiscard]] bool has_token(FieldId id, std::string_view token) const;

  /// Lines that are there.
  [[nodiscard]] std::size_t size() const { return live_; }
  [[nodiscard]] bool empty() const { return live_ == 0; }
  /// Bytes the lines take on the wire of HTTP/1: name, colon, space, value, CRLF.
  [[nodiscard]] std::size_t wire_size() const;

  class Iterator;
  [[nodiscard]] Iterator begin() const;
  [[nodiscard]] Iterator end() const;

  /// Forgets all lines and all bytes kept; storage stays for the next message, but for outsized chunks.
  void clear();
  /// Becomes a copy of `other`, in storage of its own.
  void copy_from(const Fields& other);

  /// `size` bytes that live as long as the lines do.
  [[nodiscard]] std::span<char> allocate(std::size_t size);
  /// A copy of the bytes that lives as long as the lines do.
  [[nodiscard]] std::string_view keep(std::string_view bytes);
  /// For parsers only: a line whose bytes came from allocate() and are known to be a token and a field value.
  void add_checked(std::string_view name, std::string_view value, FieldId id);

 private:
  static constexpr std::size_t kInlineLines = 32;
  static constexpr std::size_t kInlineBytes = 1536;
  static constexpr std::size_t kChunk = 4096;
  friend class Members;

  struct Line {
    const char* name;
    const char* value;
    std::uint32_t name_size;
    std::uint32_t value_size;
    FieldId id;
    bool live;

    [[nodiscard]] Field field() const { return {{name, name_size}, {value, value_size}, id}; }
  };
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };

  [[nodiscard]] bool may_have(FieldId id) const { return (seen_ >> static_cast<unsigned>(id) & 1U) != 0; }
  [[nodiscard]] std::span<const Line> lines() const {
    return more_lines_.empty() ? std::span<const Line>(first_lines_.data(), used_) : std::span<const Line>(more_lines_);
  }
  [[nodiscard]] std::span<Line> lines() {
    return more_lines_.empty() ? std::span<Line>(first_lines_.data(), used_) : std::span<Line>(more_lines_);
  }
  void push(const Line& line);
  [[nodiscard]] std::string_view keep_name(std::string_view name, FieldId id);
  void replace(std::string_view name, FieldId id, std::string_view value);

  std::array<Line, kInlineLines>
      first_lines_;  // NOLINT: left uninitialised on purpose, used_ and left_ say what is there
  std::array<char, kInlineBytes> first_bytes_;  // NOLINT
  std::uint64_t seen_ = 0;                      // a bit per FieldId that was ever added since clear()
  std::size_t used_ = 0;                        // lines, removed ones too
  std::size_t live_ = 0;
  char* next_ = first_bytes_.data();
  std::size_t left_ = kInlineBytes;
  std::vector<Line> more_lines_;  // all lines, once there are more than fit inline
  std::vector<Chunk> chunks_;
};

/// Walks over the lines that are there.
class Fields::Iterator {
 public:
  using value_type = Field;
  using difference_type = std::ptrdiff_t;
  using reference = Field;
  using iterator_category = std::input_iterator_tag;

  Iterator() = default;
  Iterator(const Line* at, const Line* end) : at_(at), end_(end) { skip(); }
  Field operator*() const { return at_->field(); }
  Iterator& operator++() {
    ++at_;
    skip();
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(const Iterator& other) const { return at_ == other.at_; }

 private:
  void skip() {
    while (at_ != end_ && !at_->live) ++at_;
  }
  const Line* at_ = nullptr;
  const Line* end_ = nullptr;
};

inline Fields::Iterator Fields::begin() const {
  return {lines().data(), lines().data() + used_};
}
inline Fields::Iterator Fields::end() const {
  return {lines().data() + used_, lines().data() + used_};
}

/// Cuts the next member off a comma-separated list; nullopt when none is left.
[[nodiscard]] std::optional<std::string_view> next_member(std::string_view& rest);

/// The members of one list field, see Fields::members(). The fields must not change while it is walked.
class Members {
 public:
  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    Iterator(const Fields* fields, FieldId id) : fields_(fields), id_(id), done_(!fields->may_have(id)) {
      if (!done_) advance();
    }
    std::string_view operator*() const { return member_; }
    Iterator& operator++() {
      advance();
      return *this;
    }
    void operator++(int) { advance(); }
    bool operator==(std::default_sentinel_t) const { return done_; }

   private:
    void advance();
    const Fields* fields_;
    std::size_t line_ = 0;
    std::string_view rest_;
    std::string_view member_;
    FieldId id_;
    bool done_;
  };

  Members(const Fields* fields, FieldId id) : fields_(fields), id_(id) {}
  [[nodiscard]] Iterator begin() const { return {fields_, id_}; }
  [[nodiscard]] static std::default_sentinel_t end() { return {}; }

 private:
  const Fields* fields_;
  FieldId id_;
};

inline Members Fields::members(FieldId id) const {
  return {this, id};
}

}  // namespace sluice::http
