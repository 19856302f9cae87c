// See limits.h.
#include "worker/limits/limits.h"

namespace sluice::worker {

Result<SourceLimits> Limits::source_limits(const ipc::SourceLimitSettings& settings) {
  Result<Networks> exempt = Networks::parse(settings.exempt);
  if (!exempt) return fail(Code::kBadConfig, "limits.source.exempt: " + exempt.error().what());
  return SourceLimits{.connections = settings.connections,
                      .connection_rate = Rate(settings.connection_rate, settings.connection_burst),
                      .request_rate = Rate(settings.request_rate, settings.request_burst),
                      .remembered = settings.remembered,
                      .exempt = *std::move(exempt)};
}

void Limits::adopt(const ipc::LimitSettings& settings, SourceLimits source) {
  sources_.adopt(std::move(source));
  rate_ = Rate(settings.request_rate, settings.request_burst);
  most_blocks_ = settings.buffers.bytes() / Buffer::kBlock;
  on_requests_ = rate_.limited() || sources_.limits_requests();
}

std::optional<Limits::Refusal> Limits::request(const SocketAddress& from, Nanos now) {
  if (const Nanos wait = sources_.request(from, now); wait != Nanos(0))
    return Refusal{.reason = RequestRefused::kSourceRate, .wait = wait};
  if (rate_.limited())
    if (const Nanos wait = all_.take(rate_, now); wait != Nanos(0))
      return Refusal{.reason = RequestRefused::kTenantRate, .wait = wait};
  return std::nullopt;
}

}  // namespace sluice::worker
