// Writing JSON text without a document: escaping of arbitrary bytes and a builder for one object on one line.
//
// Log lines carry bytes that came from the network (targets, header values), so the escaper turns anything into valid
// UTF-8 that is one line and moves no terminal: control characters (also C1 and DEL) become \u00xx, bytes that are not
// UTF-8 become U+FFFD. Reading JSON is nlohmann's business, not this file's.
#pragma once
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// Appends `text` as a JSON string, with its quotes.
void append_json_string(std::string& out, std::string_view text);

/// Is it well-formed UTF-8 (Unicode 15, table 3-7)?
[[nodiscard]] bool is_utf8(std::string_view text);

/// Builds {"key":value,…} member by member into one string.
class JsonLine {
 public:
  JsonLine() : text_("{") {}

  JsonLine& add(std::string_view key, std::string_view value);
  JsonLine& add(std::string_view key, const char* value) { return add(key, std::string_view(value)); }
  template <std::integral T>
  JsonLine& add(std::string_view key, T value) {
    if constexpr (std::same_as<T, bool>)
      return add_raw(key, value ? "true" : "false");
    else if constexpr (std::signed_integral<T>)
      return add_signed(key, value);
    else
      return add_unsigned(key, value);
  }
  /// With three decimals, as durations are; what is not finite becomes null.
  JsonLine& add(std::string_view key, double value);
  /// `json` is JSON text already: an array or an object that the caller has built.
  JsonLine& add_raw(std::string_view key, std::string_view json);

  /// How long the text is so far, for those who keep to a limit.
  [[nodiscard]] std::size_t size() const { return text_.size(); }
  /// Back to what it was when size() said `size`: takes out the members added since.
  void cut(std::size_t size) { text_.resize(size); }
  /// The finished object, without a line end.
  [[nodiscard]] std::string take() &&;

 private:
  JsonLine& add_signed(std::string_view key, std::int64_t value);
  JsonLine& add_unsigned(std::string_view key, std::uint64_t value);
  void begin(std::string_view key);
  std::string text_;
};

}  // namespace sluice
