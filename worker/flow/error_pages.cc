// See error_pages.h.
#include "worker/flow/error_pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "proto/http/ascii.h"

namespace sluice::worker {
namespace {
using ipc::PageType;

std::string_view content_type(PageType type) {
  switch (type) {
    case PageType::kHtml:
      return "text/html; charset=utf-8";
    case PageType::kJson:
      return "application/json";
    case PageType::kText:
      return "text/plain; charset=utf-8";
  }
  SLUICE_CHECK(false, "no such type of page");
}

Escape escape_of(PageType type) {
  switch (type) {
    case PageType::kHtml:
      return Escape::kHtml;
    case PageType::kJson:
      return Escape::kJson;
    case PageType::kText:
      return Escape::kNone;
  }
  SLUICE_CHECK(false, "no such type of page");
}

// "q=0", "q=0.0" …: not wanted.
bool is_refused(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::size_t end = std::min(parameters.find(';'), parameters.size());
    const std::string_view parameter = http::trim(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    if (parameter.size() > 2 && http::to_lower(parameter[0]) == 'q' && parameter[1] == '=')
      return parameter.substr(2).find_first_not_of("0.") == parameter.npos;
  }
  return false;
}

// How closely a media range names the type: 3 itself, 2 its kind ("text/*"), 1 everything, 0 not at all.
int closeness(std::string_view range, std::string_view type) {
  if (http::equal_ignore_case(range, type)) return 3;
  if (range == "*/*") return 1;
  const std::string_view kind = type.substr(0, type.find('/') + 1);
  return range.ends_with("/*") && http::equal_ignore_case(range.substr(0, range.size() - 1), kind) ? 2 : 0;
}
}  // namespace

bool accepts(const http::Fields& fields, std::string_view type) {
  type = type.substr(0, type.find(';'));
  int closest = fields.has(http::FieldId::kAccept) ? 0 : 1;
  bool wanted = closest != 0;
  for (const std::string_view member : fields.members(http::FieldId::kAccept)) {
    const std::size_t end = member.find(';');
    const int close = closeness(http::trim(member.substr(0, end)), type);
    if (close <= closest) continue;
    closest = close;
    wanted = end == member.npos || !is_refused(member.substr(end + 1));
  }
  return wanted;
}

ErrorPages::ErrorPages(const std::vector<ipc::ErrorPageSettings>& settings) {
  for (const ipc::ErrorPageSettings& page : settings) {
    Result<TemplateText> text = TemplateText::parse(page.text, ipc::kErrorPlaceholders);
    SLUICE_CHECK(text.has_value(), "a page that the configuration's checks let through does not parse");
    pages_.push_back({.statuses = page.statuses,
                      .type = content_type(page.type),
                      .escape = escape_of(page.type),
                      .text = *std::move(text)});
  }
}

ErrorPages::Body ErrorPages::body(const RequestFacts& facts) const {
  for (const Page& page : pages_) {
    const bool meant = page.statuses.empty() || std::ranges::find(page.statuses, facts.status) != page.statuses.end();
    if (meant && accepts(facts.core.request.fields(), page.type))
      return {.type = page.type, .text = rendered(page.text, facts, page.escape)};
  }
  return {.type = "text/plain; charset=utf-8",
          .text = fmt::format("{} {}\n", facts.status, http::reason_phrase(facts.status))};
}

}  // namespace sluice::worker
