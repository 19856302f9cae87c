// JSON schema (draft 2020-12) of a struct that describes itself, for editors. Used through settings.h.
#pragma once
#include <map>
#include <string>

#include "base/settings/type.h"

namespace sluice::settings {

struct SchemaOptions {
  std::string title;
  /// Schemas of opaque sections by path without indices ("tenants.settings"), as JSON text.
  std::map<std::string, std::string> opaque;
};

[[nodiscard]] std::string schema(const Section& section, const SchemaOptions& options);

}  // namespace sluice::settings
