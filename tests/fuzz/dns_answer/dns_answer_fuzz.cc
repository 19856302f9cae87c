// DNS answers: whatever a server sends, reading it ends, stays inside the message, and gives only addresses of the
// family that was asked for, in bounded number, with a kind that fits.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "proto/dns/answer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using dns::Answer;
  for (const dns::Type type : {dns::Type::kA, dns::Type::kAaaa}) {
    const Result<Answer> answer = dns::parse_answer(std::span(data, size), "a.example", type);
    if (!answer) {
      SLUICE_CHECK(answer.error().code() == Code::kBadSyntax || answer.error().code() == Code::kDnsFailure,
                   "other code");
      continue;
    }
    SLUICE_CHECK(answer->addresses.size() <= dns::kMaxAddresses, "too many addresses");
    SLUICE_CHECK((answer->kind == Answer::Kind::kAddresses) == !answer->addresses.empty(), "the kind does not fit");
    SLUICE_CHECK(answer->addresses.empty() || !answer->negative_ttl, "both yes and no");
    SLUICE_CHECK(std::ranges::all_of(answer->addresses,
                                     [type](const dns::AddressRecord& record) {
                                       return record.ip.is_v4() == (type == dns::Type::kA) && record.ttl < 0x8000'0000U;
                                     }),
                 "an address of the other family, or a TTL beyond 31 bits");
  }
  return 0;
}
