// The commented configuration file: it is the manual, so it is made to be read. Used through settings.h.
#pragma once
#include <map>
#include <string>

#include "base/settings/type.h"

namespace sluice::settings {

struct YamlOptions {
  /// Text at the top, without "# ".
  std::string heading;
  /// Levels of indentation (two spaces each) that the whole is put in.
  std::size_t depth = 0;
  /// What to print in place of an empty opaque section, by its path without indices ("tenants.settings"): a YAML
  /// fragment from another to_yaml() at depth 0.
  std::map<std::string, std::string> opaque;
};

[[nodiscard]] std::string to_yaml(const Section& section, const void* object, const YamlOptions& options);

}  // namespace sluice::settings
