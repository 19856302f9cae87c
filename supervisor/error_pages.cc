// See error_pages.h.
#include "supervisor/error_pages.h"

#include <fmt/format.h>

#include "base/result.h"
#include "ipc/settings/checks.h"
#include "restart/outcome.h"
#include "supervisor/setting_file.h"

namespace sluice::supervisor {
namespace {
constexpr std::size_t kMostBytes = 256UL * 1024;  // the check of `text` has the same

void read_page(ipc::ErrorPageSettings& page, const std::string& path, settings::Problems& problems) {
  if (page.file.empty()) return;
  Result<std::string> text = read_setting(page.file, kMostBytes);
  if (!text) {
    problems.add({.file = {},
                  .mark = {},
                  .path = path,
                  .text = fmt::format("\"{}\" {}", page.file, text.error().message()),
                  .cause = std::string(restart::name(restart::Outcome::kUnreadable))});
    return;
  }
  if (const std::string fault = ipc::page_fault(*text); !fault.empty()) {
    problems.add(path, fmt::format("\"{}\" {}", page.file, fault));
    return;
  }
  page.text = *std::move(text);
  // exactly one of the two, also when the settings are read back (preflight.cc); a page that changes on disk is a
  // change
  page.file.clear();
}
}  // namespace

void read_error_pages(ipc::Settings& settings, settings::Problems& problems) {
  for (std::size_t i = 0; i < settings.tenants.size(); ++i)
    for (std::size_t j = 0; j < settings.tenants[i].endpoints.size(); ++j) {
      std::vector<ipc::ErrorPageSettings>& pages = settings.tenants[i].endpoints[j].error_pages;
      for (std::size_t k = 0; k < pages.size(); ++k)
        read_page(pages[k], fmt::format("tenants[{}].endpoints[{}].error_pages[{}].file", i, j, k), problems);
    }
}

}  // namespace sluice::supervisor
