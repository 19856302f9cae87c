// The names of the enumerators in record.h; log values and metric labels, so they are stable.
#include "worker/telemetry/record.h"

#include "base/check.h"
#include "base/error.h"

namespace sluice::worker {

std::string_view name(Ended ended) {
  switch (ended) {
    case Ended::kOk:
      return "ok";
    case Ended::kClient:
      return "client";
    case Ended::kOrigin:
      return "origin";
    case Ended::kProxy:
      return "proxy";
    case Ended::kTimeout:
      return "timeout";
  }
  SLUICE_CHECK(false, "no such ending");
}

void AccessRecord::failed(const Error& why) {
  error = &why;
  ended = ended_by(why);
}

void AccessRecord::cancelled() {
  ended = Ended::kProxy;
  reason = "cancelled";
}

Ended ended_by(const Error& error) {
  if (error.code() == Code::kTimeout) return Ended::kTimeout;
  switch (error.side()) {
    case Side::kClient:
      return Ended::kClient;
    case Side::kOrigin:
      return Ended::kOrigin;
    case Side::kUs:
      return Ended::kProxy;
  }
  SLUICE_CHECK(false, "no such side");
}

std::string_view name(Moving what) {
  return what == Moving::kIdle ? "idle" : "tunnel";
}

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kNone:
      return "none";
    case Verdict::kAllowed:
      return "allowed";
    case Verdict::kBlocked:
      return "blocked";
    case Verdict::kAnswered:
      return "answered";
    case Verdict::kRedirected:
      return "redirected";
    case Verdict::kFailed:
      return "failed";
  }
  SLUICE_CHECK(false, "no such verdict");
}

}  // namespace sluice::worker
