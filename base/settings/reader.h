// Reading a located document into a struct, all problems at once. Used through settings.h.
#pragma once
#include <string>

#include "base/settings/document.h"
#include "base/settings/type.h"

namespace sluice::settings {

/// Reads the document over the object, which holds the defaults. What has a problem keeps its default.
void read_into(const Section& section, void* object, const Document& document, Problems& problems);

}  // namespace sluice::settings
