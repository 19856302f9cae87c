// Lines: the fields of a message as nghttp2 takes them. It copies, so they live for one call; a message of usual size
// costs no allocation.
#pragma once
#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "proto/http2/callbacks.h"

namespace sluice::http2 {

class Lines {
 public:
  /// `most`: no more than so many are added.
  explicit Lines(std::size_t most) {
    if (most <= few_.size()) return;
    many_.resize(most);
    lines_ = many_.data();
  }
  Lines(Lines&&) = delete;

  /// Lifetime: name and value outlive it. Names become lower case in nghttp2.
  void add(std::string_view name, std::string_view value) { lines_[size_++] = as_nv(name, value); }
  [[nodiscard]] const nghttp2_nv* data() const { return lines_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::array<nghttp2_nv, 24> few_{};
  std::vector<nghttp2_nv> many_;
  nghttp2_nv* lines_ = few_.data();
  std::size_t size_ = 0;
};

}  // namespace sluice::http2
