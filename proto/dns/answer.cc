// See answer.h. Names are kept in wire form, lower case: length octets and labels, without the closing root label.
#include "proto/dns/answer.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/net/host_name.h"

namespace sluice::dns {
namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kMaxNameBytes = 255;
constexpr std::size_t kMaxLabelBytes = 63;
constexpr std::uint16_t kCname = 5;
constexpr std::uint16_t kSoa = 6;
constexpr std::uint16_t kInternet = 1;

constexpr std::uint16_t kFlagResponse = 0x8000;
constexpr std::uint16_t kMaskOpcode = 0x7800;
constexpr std::uint16_t kFlagTruncated = 0x0200;
constexpr std::uint16_t kMaskCode = 0x000f;

std::string to_wire(std::string_view host) {
  host = without_root(host);
  std::string wire;
  wire.reserve(host.size() + 1);
  while (!host.empty()) {
    const std::string_view label = host.substr(0, host.find('.'));
    wire += static_cast<char>(label.size());
    std::ranges::transform(label, std::back_inserter(wire), to_lower);
    host.remove_prefix(std::min(host.size(), label.size() + 1));
  }
  return wire;
}

// A cursor that fails for good: after the first read past the end every read gives zero and ok() is false.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t position() const { return at_; }

  std::uint16_t u16() {
    const auto two = take(2);
    return two.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(two[0] << 8U | two[1]);
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16U | u16();
  }
  std::span<const std::uint8_t> take(std::size_t count) {
    if (!ok_ || bytes_.size() - at_ < count) {
      ok_ = false;
      return {};
    }
    at_ += count;
    return bytes_.subspan(at_ - count, count);
  }
  std::string name() {
    std::string wire;
    std::size_t at = at_;
    std::size_t pointed_from = at_;  // every pointer must go back behind where this part of the name began
    bool jumped = false;
    while (ok_) {
      if (at >= bytes_.size()) break;
      const std::size_t length = bytes_[at];
      if (length == 0) {
        if (!jumped) at_ = at + 1;
        return wire;
      }
      if ((length & 0xc0U) == 0xc0U) {
        if (at + 1 >= bytes_.size()) break;
        const std::size_t target = (length & 0x3fU) << 8U | bytes_[at + 1];
        if (target >= pointed_from) break;
        if (!jumped) at_ = at + 2;
        jumped = true;
        pointed_from = at = target;
        continue;
      }
      if (length > kMaxLabelBytes || bytes_.size() - at <= length || wire.size() + length + 2 > kMaxNameBytes) break;
      wire += static_cast<char>(length);
      for (const std::uint8_t byte : bytes_.subspan(at + 1, length)) wire += to_lower(static_cast<char>(byte));
      at += length + 1;
    }
    ok_ = false;
    return {};
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

struct Record {
  std::string owner;
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
  std::uint32_t ttl = 0;
  std::span<const std::uint8_t> data;
  std::size_t data_at = 0;  // where a name inside the data starts, for compression
};

Record read_record(Reader& reader) {
  Record record;
  record.owner = reader.name();
  record.type = reader.u16();
  record.klass = reader.u16();
  record.ttl = reader.u32();
  if ((record.ttl & 0x8000'0000U) != 0) record.ttl = 0;  // RFC 2181 section 8
  const std::uint16_t size = reader.u16();
  record.data_at = reader.position();
  record.data = reader.take(size);
  return record;
}

// A name inside a record's data, which must fill the data to its end.
std::optional<std::string> target_of(std::span<const std::uint8_t> message, const Record& record) {
  Reader reader(message.first(record.data_at + record.data.size()));
  reader.take(record.data_at);
  std::string target = reader.name();
  if (!reader.ok() || reader.position() != record.data_at + record.data.size()) return std::nullopt;
  return target;
}

std::optional<std::uint32_t> negative_ttl(std::span<const std::uint8_t> message, const Record& soa) {
  Reader reader(message.first(soa.data_at + soa.data.size()));
  reader.take(soa.data_at);
  reader.name();  // MNAME
  reader.name();  // RNAME
  reader.take(16);
  const std::uint32_t minimum = reader.u32();
  if (!reader.ok()) return std::nullopt;
  return std::min(soa.ttl, (minimum & 0x8000'0000U) != 0 ? 0U : minimum);
}

std::optional<IpAddress> address_of(const Record& record, Type type) {
  if (type == Type::kA && record.data.size() == IpAddress::kV4Bytes) {
    std::array<std::uint8_t, IpAddress::kV4Bytes> bytes{};
    std::ranges::copy(record.data, bytes.begin());
    return IpAddress(bytes);
  }
  if (type == Type::kAaaa && record.data.size() == IpAddress::kV6Bytes) {
    std::array<std::uint8_t, IpAddress::kV6Bytes> bytes{};
    std::ranges::copy(record.data, bytes.begin());
    return IpAddress(bytes);
  }
  return std::nullopt;
}

std::string code_name(unsigned code) {
  constexpr std::array<std::string_view, 6> kNames = {"NOERROR",  "FORMERR", "SERVFAIL",
                                                      "NXDOMAIN", "NOTIMP",  "REFUSED"};
  return code < kNames.size() ? std::string(kNames[code]) : "RCODE " + std::to_string(code);
}

std::unexpected<Error> bad(const char* what) {
  return fail(Code::kBadSyntax, std::string("DNS answer: ") + what);
}

// From the name that was asked along CNAMEs to where the records are. Errors: kBadSyntax.
Result<> follow(std::span<const std::uint8_t> message, const std::vector<Record>& records, std::string owner, Type type,
                std::vector<AddressRecord>& found) {
  std::uint32_t ttl = 0x7fff'ffff;
  for (int step = 0; step <= kMaxChain; ++step) {
    const Record* alias = nullptr;
    for (const Record& record : records) {
      if (record.owner != owner) continue;
      if (record.type == kCname) alias = &record;
      if (record.type != static_cast<std::uint16_t>(type)) continue;
      const std::optional<IpAddress> ip = address_of(record, type);
      if (!ip) return bad("an address of the wrong size");
      if (found.size() < kMaxAddresses) found.push_back({.ip = *ip, .ttl = std::min(ttl, record.ttl)});
    }
    if (!found.empty() || alias == nullptr) return {};
    ttl = std::min(ttl, alias->ttl);
    std::optional<std::string> target = target_of(message, *alias);
    if (!target) return bad("a broken CNAME");
    owner = std::move(*target);
  }
  return bad("a chain of CNAMEs without an end");
}

}  // namespace

std::string_view name(Type type) {
  return type == Type::kA ? "A" : "AAAA";
}

Result<Answer> parse_answer(std::span<const std::uint8_t> message, std::string_view host, Type type) {
  if (message.size() < kHeaderBytes) return bad("shorter than a header");
  Reader reader(message);
  reader.u16();  // the id: whoever sent the question has compared it
  const std::uint16_t flags = reader.u16();
  const std::uint16_t questions = reader.u16();
  const std::uint16_t answers = reader.u16();
  const std::uint16_t authorities = reader.u16();
  reader.u16();  // additional records are of no interest
  if ((flags & kFlagResponse) == 0 || (flags & kMaskOpcode) != 0) return bad("not an answer to a query");
  if ((flags & kFlagTruncated) != 0) return bad("cut short");
  const unsigned code = flags & kMaskCode;
  constexpr unsigned kNoError = 0;
  constexpr unsigned kNxDomain = 3;
  if (code != kNoError && code != kNxDomain) return fail(Code::kDnsFailure, "the server answers " + code_name(code));
  if (questions != 1) return bad("not exactly one question");
  const std::string asked = to_wire(host);
  const std::string echoed = reader.name();
  const std::uint16_t echoed_type = reader.u16();
  const std::uint16_t echoed_class = reader.u16();
  if (!reader.ok() || echoed != asked || echoed_type != static_cast<std::uint16_t>(type) || echoed_class != kInternet)
    return bad("the answer to another question");

  std::vector<Record> records;
  for (unsigned i = 0; i < answers; ++i) {
    Record record = read_record(reader);
    if (!reader.ok()) return bad("a broken record");
    const bool wanted = record.type == kCname || record.type == static_cast<std::uint16_t>(type);
    if (wanted && record.klass == kInternet) records.push_back(std::move(record));
  }

  Answer answer;
  if (Result<> followed = follow(message, records, asked, type, answer.addresses); !followed)
    return fail(std::move(followed.error()));
  if (!answer.addresses.empty()) {
    if (code != kNoError) return bad("addresses for a name that does not exist");
    answer.kind = Answer::Kind::kAddresses;
    return answer;
  }
  answer.kind = code == kNxDomain ? Answer::Kind::kNoName : Answer::Kind::kNoData;
  for (unsigned i = 0; i < authorities; ++i) {
    const Record record = read_record(reader);
    if (!reader.ok()) return bad("a broken record");
    if (record.type == kSoa && record.klass == kInternet) {
      answer.negative_ttl = negative_ttl(message, record);
      break;
    }
  }
  return answer;
}

}  // namespace sluice::dns
