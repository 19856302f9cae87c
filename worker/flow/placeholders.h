// What the placeholders of the configuration's templates stand for in one exchange (ipc/settings/placeholders.h).
//
// A request's target and authority are those that the client asked for, whatever a route made of them since.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "app/sluice/context.h"
#include "base/template_text.h"
#include "ipc/settings/placeholders.h"

namespace sluice::worker {

/// Views: lives no longer than the request.
struct RequestFacts {
  const detail::ExchangeCore& core;
  http::Authority authority;
  std::string_view target;
  std::string_view endpoint;
  std::uint64_t connection;
  std::uint64_t request;
  std::uint16_t status = 0;  ///< of an error that we answer
};

enum class Escape : std::uint8_t { kNone, kHtml, kJson };

/// Appends what the placeholder stands for.
void append_placeholder(std::string& out, ipc::Placeholder placeholder, const RequestFacts& facts);
/// The whole template.
[[nodiscard]] std::string rendered(const TemplateText& text, const RequestFacts& facts, Escape escape);
void append_escaped(std::string& out, std::string_view text, Escape escape);

}  // namespace sluice::worker
