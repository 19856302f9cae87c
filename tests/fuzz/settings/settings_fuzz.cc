// The configuration reader: any bytes as a file. It must end, name its problems, and agree with itself: a document and
// the settings in it mean the same after a trip through their wire forms, and JSON that was read is written as it was
// meant.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/settings/document.h"
#include "ipc/settings/settings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using sluice::settings::Document;
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  const Document document = sluice::settings::parse_yaml(text, "fuzz.yaml");
  SLUICE_CHECK(!document.ends_early || !document.problems.empty(), "a file is never given up without a reason");
  if (!document.ends_early) {
    const sluice::Result<Document> again = Document::decode(document.encode());
    SLUICE_CHECK(again && again->encode() == document.encode(), "a document survives its way to another process");
    const auto settings = sluice::ipc::read_settings(document);
    if (settings) {
      const auto there = sluice::ipc::settings_from_json(to_json(*settings));
      SLUICE_CHECK(there && differences(*settings, *there).empty(), "settings survive their way to another process");
    } else {
      SLUICE_CHECK(!settings.error().empty() && !settings.error().text().empty(), "a refusal has a reason");
    }
  }
  if (const auto node = sluice::settings::parse_json(text)) {
    const auto again = sluice::settings::parse_json(to_json(*node));
    SLUICE_CHECK(again && *again == *node, "JSON that was read can be written");
  }
  return 0;
}
