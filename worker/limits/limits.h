// Limits: what clients may ask of this worker, all together and each source by itself. Owned by the worker; asked by
// the acceptor for connections and by exchanges for requests. Where nothing is configured one branch is all it costs.
#pragma once
#include <cstdint>
#include <optional>

#include "base/buffer.h"
#include "base/result.h"
#include "ipc/settings/limits.h"
#include "worker/limits/sources.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {

class Limits {
 public:
  /// Errors: kBadConfig for a network that the configuration's checks would have refused.
  [[nodiscard]] static Result<SourceLimits> source_limits(const ipc::SourceLimitSettings& settings);

  Limits(const ipc::LimitSettings& settings, SourceLimits source)
      : sources_(std::move(source)),
        rate_(settings.request_rate, settings.request_burst),
        most_blocks_(settings.buffers.bytes() / Buffer::kBlock),
        on_requests_(rate_.limited() || sources_.limits_requests()) {}
  Limits(Limits&&) = delete;
  /// Others hold from now on; what has been used so far counts.
  void adopt(const ipc::LimitSettings& settings, SourceLimits source);

  [[nodiscard]] Sources& sources() { return sources_; }

  [[nodiscard]] bool on_requests() const { return on_requests_; }
  struct Refusal {
    RequestRefused reason;
    Nanos wait;  ///< until one more would be served
  };
  /// Data blocks in use beyond what the worker may have.
  [[nodiscard]] std::size_t excess_blocks() const {
    const std::size_t used = most_blocks_ == 0 ? 0 : Buffer::blocks_in_use();
    return used > most_blocks_ ? used - most_blocks_ : 0;
  }

  /// A request from there. A source that is over its own rate takes nothing of everybody's.
  [[nodiscard]] std::optional<Refusal> request(const SocketAddress& from, Nanos now);

 private:
  Sources sources_;
  Rate rate_;
  Bucket all_;
  std::size_t most_blocks_;  // 0: no limit
  bool on_requests_;
};

}  // namespace sluice::worker
