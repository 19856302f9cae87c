// Settings of the bodies of errors that we answer ourselves.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/settings/describe.h"
#include "ipc/settings/checks.h"

namespace sluice::ipc {

enum class PageType : std::uint8_t { kHtml, kJson, kText };
constexpr auto choices(PageType) {
  using settings::Choice;
  return std::array{Choice{PageType::kHtml, "html", "text/html; charset=utf-8"},
                    Choice{PageType::kJson, "json", "application/json"},
                    Choice{PageType::kText, "text", "text/plain; charset=utf-8"}};
}

struct ErrorPageSettings {
  std::vector<std::uint16_t> statuses;
  PageType type = PageType::kHtml;
  std::string file;
  std::string text;

  static constexpr std::string_view about =
      "Bodies of errors that we answer ourselves. The first page is taken that is for the status and of a type that "
      "the request accepts; without one the body is a line of text.";
  static constexpr void describe(auto& f) {
    using S = ErrorPageSettings;
    f(&S::statuses, "statuses", "Statuses that it is for; an empty list means all.").range(400, 599);
    f(&S::type, "type", "Content-Type, and how placeholders are escaped.");
    f(&S::file, "file", "Absolute path of a file with the page, UTF-8, at most 256 KiB, read when sluice starts.")
        .check(kFilePath);
    f(&S::text, "text",
      "The page itself, in place of a file. ${status}, ${reason}, ${request_id}, ${client} and the other placeholders "
      "of `routes.request_fields` stand for those of the request, escaped.")
        .check(kPage);
  }
};
static_assert(settings::complete<ErrorPageSettings>());

}  // namespace sluice::ipc
