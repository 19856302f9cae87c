// Builds DNS messages for tests, the wrong ones too: nothing here checks what it is told to write.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/address.h"
#include "proto/dns/answer.h"

namespace sluice::dns::test {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint16_t kCname = 5;
inline constexpr std::uint16_t kSoa = 6;

inline void put16(Bytes& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8U));
  out.push_back(static_cast<std::uint8_t>(value));
}

inline Bytes wire_name(std::string_view text) {
  Bytes out;
  while (!text.empty()) {
    const std::string_view label = text.substr(0, text.find('.'));
    out.push_back(static_cast<std::uint8_t>(label.size()));
    out.insert(out.end(), label.begin(), label.end());
    text.remove_prefix(std::min(text.size(), label.size() + 1));
  }
  out.push_back(0);
  return out;
}

class MessageBuilder {
 public:
  MessageBuilder(std::uint16_t id, std::string_view asked, std::uint16_t type) : id_(id), question_(wire_name(asked)) {
    put16(question_, type);
    put16(question_, 1);
  }
  MessageBuilder(std::string_view asked, Type type) : MessageBuilder(0x1234, asked, static_cast<std::uint16_t>(type)) {}

  MessageBuilder& code(unsigned code) {
    flags_ = (flags_ & ~0xfU) | code;
    return *this;
  }
  MessageBuilder& flags(unsigned flags) {
    flags_ = flags;
    return *this;
  }
  MessageBuilder& truncated() {
    flags_ |= 0x0200U;
    return *this;
  }
  MessageBuilder& questions(unsigned count) {
    questions_ = count;
    return *this;
  }
  MessageBuilder& answers(unsigned count) {
    answers_ = count;
    return *this;
  }

  MessageBuilder& record(const Bytes& owner, unsigned type, std::uint32_t ttl, const Bytes& data) {
    add(records_, owner, type, ttl, data);
    ++answers_;
    return *this;
  }
  MessageBuilder& address(std::string_view owner, std::string_view ip, std::uint32_t ttl) {
    const IpAddress parsed = IpAddress::parse(ip).value();
    const auto bytes = parsed.bytes();
    const Type type = parsed.is_v4() ? Type::kA : Type::kAaaa;
    return record(wire_name(owner), static_cast<unsigned>(type), ttl, Bytes(bytes.begin(), bytes.end()));
  }
  MessageBuilder& cname(std::string_view owner, std::string_view target, std::uint32_t ttl) {
    return record(wire_name(owner), kCname, ttl, wire_name(target));
  }
  MessageBuilder& soa(std::string_view zone, std::uint32_t ttl, std::uint32_t minimum) {
    Bytes data = wire_name("ns." + std::string(zone));
    const Bytes mailbox = wire_name("root." + std::string(zone));
    data.insert(data.end(), mailbox.begin(), mailbox.end());
    data.resize(data.size() + 16);
    put16(data, minimum >> 16U);
    put16(data, minimum);
    add(authority_, wire_name(zone), kSoa, ttl, data);
    ++authorities_;
    return *this;
  }

  [[nodiscard]] Bytes bytes() const {
    Bytes out;
    for (const unsigned value : {unsigned{id_}, flags_, questions_, answers_, authorities_, 0U}) put16(out, value);
    if (questions_ > 0) out.insert(out.end(), question_.begin(), question_.end());
    out.insert(out.end(), records_.begin(), records_.end());
    out.insert(out.end(), authority_.begin(), authority_.end());
    return out;
  }

 private:
  static void add(Bytes& out, const Bytes& owner, unsigned type, std::uint32_t ttl, const Bytes& data) {
    out.insert(out.end(), owner.begin(), owner.end());
    put16(out, type);
    put16(out, 1);
    put16(out, ttl >> 16U);
    put16(out, ttl);
    put16(out, static_cast<unsigned>(data.size()));
    out.insert(out.end(), data.begin(), data.end());
  }

  std::uint16_t id_;
  unsigned flags_ = 0x8180;  // an answer, recursion desired and available
  unsigned questions_ = 1;
  unsigned answers_ = 0;
  unsigned authorities_ = 0;
  Bytes question_;
  Bytes records_;
  Bytes authority_;
};

}  // namespace sluice::dns::test
