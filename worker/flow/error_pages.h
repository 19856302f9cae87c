// ErrorPages: the bodies of errors that we answer ourselves, by template (ipc/settings/error_page.h). One per endpoint.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/settings/error_page.h"
#include "worker/flow/placeholders.h"

namespace sluice::worker {

class ErrorPages {
 public:
  /// The settings have been checked when the configuration was read; pages from files are in `text`.
  explicit ErrorPages(const std::vector<ipc::ErrorPageSettings>& settings);

  struct Body {
    std::string_view type;
    std::string text;
  };
  /// The page for facts.status that `request` accepts, or a line of text when there is none.
  [[nodiscard]] Body body(const RequestFacts& facts) const;

 private:
  struct Page {
    std::vector<std::uint16_t> statuses;
    std::string_view type;
    Escape escape;
    TemplateText text;
  };
  std::vector<Page> pages_;
};

/// Whether Accept takes the media type (RFC 9110 section 12.5.1): named, by its range, or everything; without Accept
/// everything. Weights but 0 do not matter: which page comes first is said by the configuration.
[[nodiscard]] bool accepts(const http::Fields& fields, std::string_view type);

}  // namespace sluice::worker
