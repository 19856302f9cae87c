// The bytes of a message: Writer and Reader, symmetric, so that one function per struct names the fields for both.
//
// Integers are little-endian with explicit widths, a text is a 16-bit length and its bytes, a list a 16-bit count and
// its items. Every text and list has a bound that both sides check. A Reader never throws and never reads outside its
// bytes: the first thing wrong makes it bad for good, further fields read as zero, and end() says whether all was well
// and nothing is left over. Values; no I/O here.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "ipc/text.h"

namespace sluice::ipc {

class Writer {
 public:
  void u8(std::uint8_t value) { number(value); }
  void u16(std::uint16_t value) { number(value); }
  void u32(std::uint32_t value) { number(value); }
  void u64(std::uint64_t value) { number(value); }
  void flag(bool value) { number(static_cast<std::uint8_t>(value ? 1 : 0)); }
  /// An enumeration whose values are 0 … `last`.
  template <class E>
  void choice(E value, E last) {
    if (value > last) bad_ = true;
    u8(static_cast<std::uint8_t>(value));
  }
  /// A name: printable text of at most `most` bytes; anything else makes the message bad.
  void text(std::string_view value, std::size_t most) {
    if (value.size() > most || value.size() > UINT16_MAX || !is_printable(value)) {
      bad_ = true;
      return;
    }
    u16(static_cast<std::uint16_t>(value.size()));
    bytes_ += value;
  }
  /// Bytes of any value, at most `most` of them; their number takes 32 bits.
  void data(std::string_view value, std::size_t most) {
    if (value.size() > most || value.size() > UINT32_MAX) {
      bad_ = true;
      return;
    }
    u32(static_cast<std::uint32_t>(value.size()));
    bytes_ += value;
  }
  /// A sentence for people: cut to `most` bytes where it is longer, so that a long excuse still arrives.
  void sentence(std::string_view value, std::size_t most) { text(cut_at_character(printable(value), most), most); }
  template <class T>
  void list(const std::vector<T>& items, std::size_t most) {
    if (items.size() > most || items.size() > UINT16_MAX) {
      bad_ = true;
      return;
    }
    u16(static_cast<std::uint16_t>(items.size()));
    for (const T& item : items) T::fields(item, *this);
  }

  /// False when a field broke its bound: the bytes must not be sent.
  [[nodiscard]] bool end() const { return !bad_; }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  template <class T>
  void number(T value) {
    static_assert(std::is_unsigned_v<T>);
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bytes_.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i)));
  }

  std::string bytes_;
  bool bad_ = false;
};

class Reader {
 public:
  /// Lifetime: `bytes` must outlive the reader; what it reads is copied out.
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  void u8(std::uint8_t& value) { number(value); }
  void u16(std::uint16_t& value) { number(value); }
  void u32(std::uint32_t& value) { number(value); }
  void u64(std::uint64_t& value) { number(value); }
  void flag(bool& value) {
    std::uint8_t byte = 0;
    number(byte);
    if (byte > 1) bad_ = true;
    value = byte == 1;
  }
  template <class E>
  void choice(E& value, E last) {
    std::uint8_t byte = 0;
    number(byte);
    if (byte > static_cast<std::uint8_t>(last)) {
      bad_ = true;
      byte = 0;
    }
    value = static_cast<E>(byte);
  }
  void text(std::string& value, std::size_t most) {
    std::uint16_t size = 0;
    number(size);
    if (size > most || size > rest_.size()) bad_ = true;
    if (bad_) return;
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    if (!is_printable(bytes)) bad_ = true;
    if (!bad_) value.assign(bytes);
  }
  void data(std::string& value, std::size_t most) {
    std::uint32_t size = 0;
    number(size);
    if (size > most || size > rest_.size()) bad_ = true;
    if (bad_) return;
    value.assign(rest_.substr(0, size));
    rest_.remove_prefix(size);
  }
  void sentence(std::string& value, std::size_t most) { text(value, most); }
  template <class T>
  void list(std::vector<T>& items, std::size_t most) {
    std::uint16_t count = 0;
    number(count);
    if (count > most) bad_ = true;
    for (std::size_t i = 0; i < count && !bad_; ++i) T::fields(items.emplace_back(), *this);
  }

  /// True when every field was well formed and no byte is left over.
  [[nodiscard]] bool end() const { return !bad_ && rest_.empty(); }
  /// False as soon as a field was not well formed.
  [[nodiscard]] bool good() const { return !bad_; }

 private:
  template <class T>
  void number(T& value) {
    static_assert(std::is_unsigned_v<T>);
    value = 0;
    if (rest_.size() < sizeof(T)) bad_ = true;
    if (bad_) return;
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bits |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(rest_[i])) << (8 * i);
    value = static_cast<T>(bits);
    rest_.remove_prefix(sizeof(T));
  }

  std::string_view rest_;
  bool bad_ = false;
};

}  // namespace sluice::ipc
