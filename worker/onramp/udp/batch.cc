// See batch.h.
#include "worker/onramp/udp/batch.h"

#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sluice::worker {
namespace {

constexpr std::size_t kV4At = 12;  // of ::ffff:a.b.c.d

void put_v4(DatagramKey::Bytes& into, const in_addr& address) {
  into = {};
  into[10] = into[11] = 0xff;
  std::memcpy(into.data() + kV4At, &address, sizeof address);
}
void put_v6(DatagramKey::Bytes& into, const in6_addr& address) {
  std::memcpy(into.data(), &address, sizeof address);
}
in_addr v4_of(const DatagramKey::Bytes& from) {
  in_addr address{};
  std::memcpy(&address, from.data() + kV4At, sizeof address);
  return address;
}
in6_addr v6_of(const DatagramKey::Bytes& from) {
  in6_addr address{};
  std::memcpy(&address, from.data(), sizeof address);
  return address;
}

bool source_from(const sockaddr_storage& peer, DatagramKey& key) {
  if (peer.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &peer, sizeof v4);
    put_v4(key.source, v4.sin_addr);
    key.source_port = ntohs(v4.sin_port);
    return true;
  }
  if (peer.ss_family != AF_INET6) return false;
  sockaddr_in6 v6{};
  std::memcpy(&v6, &peer, sizeof v6);
  put_v6(key.source, v6.sin6_addr);
  key.source_port = ntohs(v6.sin6_port);
  key.scope = v6.sin6_scope_id;
  return true;
}

bool local_from(msghdr& header, DatagramKey& key) {
  for (cmsghdr* one = CMSG_FIRSTHDR(&header); one != nullptr; one = CMSG_NXTHDR(&header, one)) {
    if (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(one), sizeof info);
      put_v4(key.local, info.ipi_spec_dst);
      return true;
    }
    if (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(one), sizeof info);
      put_v6(key.local, info.ipi6_addr);
      return true;
    }
  }
  return false;
}

template <class Info>
void put_control(msghdr& header, int level, int type, const Info& info) {
  header.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* const one = CMSG_FIRSTHDR(&header);
  one->cmsg_level = level;
  one->cmsg_type = type;
  one->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(one), &info, sizeof info);
}

}  // namespace

SocketAddress source_of(const DatagramKey& key) {
  return {IpAddress(key.source).unmapped(), key.source_port};
}

DatagramBatch::DatagramBatch()
    : buffers_(std::make_unique_for_overwrite<char[]>(kMost * kBytes)),  // NOLINT(modernize-avoid-c-arrays)
      in_(std::make_unique<Line>()),
      out_(std::make_unique<Line>()) {}

DatagramBatch::Received DatagramBatch::receive(int socket) {
  for (std::size_t i = 0; i < kMost; ++i) {
    in_->parts[i][0] = {.iov_base = buffers_.get() + i * kBytes, .iov_len = kBytes};
    msghdr& header = in_->messages[i].msg_hdr;
    header = {};
    header.msg_name = &in_->peers[i];
    header.msg_namelen = sizeof(sockaddr_storage);
    header.msg_iov = in_->parts[i].data();
    header.msg_iovlen = 1;
    header.msg_control = in_->controls[i].bytes.data();
    header.msg_controllen = kControl;
  }
  int got = -1;
  do {
    got = ::recvmmsg(socket, in_->messages.data(), kMost, MSG_DONTWAIT, nullptr);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return {.count = 0, .error = errno};
  return {.count = static_cast<std::size_t>(got), .error = 0};
}

std::span<const char> DatagramBatch::bytes(std::size_t at) const {
  return {buffers_.get() + at * kBytes, in_->messages[at].msg_len};
}

bool DatagramBatch::key(std::size_t at, std::uint16_t local_port, DatagramKey& into) const {
  msghdr& header = in_->messages[at].msg_hdr;
  into.local_port = local_port;
  return (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 && source_from(in_->peers[at], into) &&
         into.source_port != 0 && local_from(header, into);
}

void DatagramBatch::answer(const DatagramKey& key, int family, std::string_view prefix, std::span<const char> bytes) {
  const std::size_t at = answers_++;
  msghdr& header = out_->messages[at].msg_hdr;
  header = {};
  // the kernel does not write into what it sends
  out_->parts[at] = {{{.iov_base = const_cast<char*>(prefix.data()), .iov_len = prefix.size()},
                      {.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()}}};
  header.msg_iov = out_->parts[at].data();
  header.msg_iovlen = 2;
  header.msg_control = out_->controls[at].bytes.data();
  if (family == AF_INET) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(key.source_port);
    to.sin_addr = v4_of(key.source);
    std::memcpy(&out_->peers[at], &to, sizeof to);
    header.msg_namelen = sizeof to;
    in_pktinfo info{};
    info.ipi_spec_dst = v4_of(key.local);
    put_control(header, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(key.source_port);
    to.sin6_addr = v6_of(key.source);
    to.sin6_scope_id = key.scope;
    std::memcpy(&out_->peers[at], &to, sizeof to);
    header.msg_namelen = sizeof to;
    in6_pktinfo info{};
    info.ipi6_addr = v6_of(key.local);
    put_control(header, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
  header.msg_name = &out_->peers[at];
}

// One that cannot be sent is skipped, so that it does not keep the others.
DatagramBatch::Sent DatagramBatch::send(int socket) {
  Sent sent;
  std::size_t at = 0;
  while (at < answers_) {
    const int done = ::sendmmsg(socket, out_->messages.data() + at, static_cast<unsigned>(answers_ - at), MSG_DONTWAIT);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      ++sent.failed;
      ++at;
      continue;
    }
    for (const std::size_t end = at + static_cast<std::size_t>(done); at < end; ++at) {
      ++sent.datagrams;
      sent.bytes += out_->messages[at].msg_len;
    }
  }
  answers_ = 0;
  return sent;
}

}  // namespace sluice::worker
