// See datagram_program.h. The kernel's verifier reads this too: the stack is used at fixed offsets only, every pointer
// from a map is compared with null, and each jump goes forward.
#include "restart/datagram_program.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>

#include <cstddef>
#include <map>
#include <string_view>

#include "base/check.h"

namespace sluice::restart::steering {
namespace {

constexpr std::uint8_t kResult = BPF_REG_0;  // and scratch
constexpr std::uint8_t kA1 = BPF_REG_1;
constexpr std::uint8_t kA2 = BPF_REG_2;
constexpr std::uint8_t kA3 = BPF_REG_3;
constexpr std::uint8_t kA4 = BPF_REG_4;
constexpr std::uint8_t kA5 = BPF_REG_5;
constexpr std::uint8_t kContext = BPF_REG_6;
constexpr std::uint8_t kFlow = BPF_REG_7;   // FlowEntry*, or the place that is current
constexpr std::uint8_t kRange = BPF_REG_8;  // Range*
constexpr std::uint8_t kNow = BPF_REG_9;
constexpr std::uint8_t kFrame = BPF_REG_10;

// On the stack.
constexpr std::int16_t kKey = -40;    // FlowKey
constexpr std::int16_t kIndex = -44;  // u32
constexpr std::int16_t kEntry = -64;  // FlowEntry

constexpr std::int16_t in(std::int16_t base, std::size_t offset) {
  return static_cast<std::int16_t>(base + static_cast<std::int16_t>(offset));
}

constexpr std::int32_t kIpv4Addresses = 12;  // RFC 791 section 3.1
constexpr std::int32_t kIpv6Addresses = 8;   // RFC 8200 section 3
constexpr std::int32_t kFromNetworkHeader = 1;
constexpr std::int32_t kNanosInSecond = 1'000'000'000;

class Assembler {
 public:
  void op(std::uint8_t code, std::uint8_t to, std::uint8_t from, std::int16_t offset, std::int32_t value) {
    bpf_insn one{};
    one.code = code;
    one.dst_reg = to & 0xfU;
    one.src_reg = from & 0xfU;
    one.off = offset;
    one.imm = value;
    code_.push_back(one);
  }
  void move(std::uint8_t to, std::uint8_t from) { op(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
  void set(std::uint8_t to, std::int32_t value) { op(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value); }
  void alu(std::uint8_t what, std::uint8_t to, std::int32_t value) { op(BPF_ALU64 | what | BPF_K, to, 0, 0, value); }
  void alu_by(std::uint8_t what, std::uint8_t to, std::uint8_t from) { op(BPF_ALU64 | what | BPF_X, to, from, 0, 0); }
  void load(std::uint8_t size, std::uint8_t to, std::uint8_t from, std::size_t offset) {
    op(BPF_LDX | BPF_MEM | size, to, from, static_cast<std::int16_t>(offset), 0);
  }
  void store(std::uint8_t size, std::uint8_t to, std::int16_t offset, std::uint8_t from) {
    op(BPF_STX | BPF_MEM | size, to, from, offset, 0);
  }
  void store_value(std::uint8_t size, std::uint8_t to, std::int16_t offset, std::int32_t value) {
    op(BPF_ST | BPF_MEM | size, to, 0, offset, value);
  }
  void stack_address(std::uint8_t to, std::int16_t offset) {
    move(to, kFrame);
    alu(BPF_ADD, to, offset);
  }
  void map(std::uint8_t to, int fd) {
    op(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, fd);
    op(0, 0, 0, 0, 0);
  }
  void call(std::int32_t helper) { op(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }
  void jump(std::string_view label) { go(BPF_JMP | BPF_JA, 0, 0, 0, label); }
  void jump_if(std::uint8_t how, std::uint8_t one, std::int32_t value, std::string_view label) {
    go(BPF_JMP | how | BPF_K, one, 0, value, label);
  }
  void jump_if_reg(std::uint8_t how, std::uint8_t one, std::uint8_t other, std::string_view label) {
    go(BPF_JMP | how | BPF_X, one, other, 0, label);
  }
  void label(std::string_view name) { labels_[name] = code_.size(); }
  void leave(std::int32_t value) {
    set(kResult, value);
    op(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  }
  std::vector<bpf_insn> finish() {
    for (const auto& [at, name] : jumps_) {
      const auto found = labels_.find(name);
      SLUICE_CHECK(found != labels_.end(), "a jump to a label that is not there");
      code_[at].off = static_cast<std::int16_t>(found->second - at - 1);
    }
    return std::move(code_);
  }

 private:
  void go(std::uint8_t code, std::uint8_t one, std::uint8_t other, std::int32_t value, std::string_view label) {
    jumps_.emplace_back(code_.size(), label);
    op(code, one, other, 0, value);
  }

  std::vector<bpf_insn> code_;
  std::map<std::string_view, std::size_t> labels_;
  std::vector<std::pair<std::size_t, std::string_view>> jumps_;
};

class Program : private Assembler {
 public:
  Program(const Maps& maps, std::uint32_t address) : maps_(maps), address_(address) {}

  std::vector<bpf_insn> write() {
    move(kContext, kA1);
    read_key();
    label("flow");
    go_on_with_known_flow();
    label("new");
    begin_flow();
    label("pass");
    leave(SK_PASS);
    label("drop");  // the generation that serves is always there; nobody else may have this datagram
    leave(SK_DROP);
    return finish();
  }

 private:
  void read_key() {
    for (std::int16_t at = 0; at < 32; at = static_cast<std::int16_t>(at + 8))
      store_value(BPF_DW, kFrame, static_cast<std::int16_t>(kKey + at), 0);
    store_value(BPF_W, kFrame, in(kKey, offsetof(FlowKey, address)), static_cast<std::int32_t>(address_));
    load(BPF_W, kA2, kContext, offsetof(sk_reuseport_md, eth_protocol));
    jump_if(BPF_JEQ, kA2, htons(ETH_P_IP), "ipv4");
    bytes_from_network_header(kIpv6Addresses, 32);
    jump("ports");
    label("ipv4");
    bytes_from_network_header(kIpv4Addresses, 8);
    label("ports");
    jump_if(BPF_JNE, kResult, 0, "drop");
    move(kA1, kContext);
    set(kA2, 0);
    stack_address(kA3, in(kKey, offsetof(FlowKey, ports)));
    set(kA4, 4);
    call(BPF_FUNC_skb_load_bytes);
    jump_if(BPF_JNE, kResult, 0, "drop");
  }

  void bytes_from_network_header(std::int32_t offset, std::int32_t size) {
    move(kA1, kContext);
    set(kA2, offset);
    stack_address(kA3, kKey);
    set(kA4, size);
    set(kA5, kFromNetworkHeader);
    call(BPF_FUNC_skb_load_bytes_relative);
  }

  void go_on_with_known_flow() {
    map(kA1, maps_.flows);
    stack_address(kA2, kKey);
    call(BPF_FUNC_map_lookup_elem);
    jump_if(BPF_JEQ, kResult, 0, "new");
    move(kFlow, kResult);
    load(BPF_W, kA2, kFlow, offsetof(FlowEntry, place));
    find_range("new");
    load(BPF_W, kA1, kRange, offsetof(Range, generation));
    load(BPF_W, kA2, kFlow, offsetof(FlowEntry, generation));
    jump_if_reg(BPF_JNE, kA1, kA2, "new");
    call(BPF_FUNC_ktime_get_ns);
    move(kNow, kResult);
    load(BPF_DW, kA1, kFlow, offsetof(FlowEntry, last_seen));
    alu_by(BPF_SUB, kResult, kA1);
    load(BPF_W, kA2, kRange, offsetof(Range, idle_seconds));
    alu(BPF_MUL, kA2, kNanosInSecond);
    jump_if_reg(BPF_JSGT, kResult, kA2, "new");  // signed: another processor's clock may be a little ahead
    store(BPF_DW, kFlow, offsetof(FlowEntry, last_seen), kNow);
    select();
    jump_if(BPF_JEQ, kResult, 0, "pass");
    // its worker has left: it begins anew
  }

  void begin_flow() {
    store_value(BPF_W, kFrame, kIndex, 0);
    map(kA1, maps_.current);
    stack_address(kA2, kIndex);
    call(BPF_FUNC_map_lookup_elem);
    jump_if(BPF_JEQ, kResult, 0, "drop");
    load(BPF_W, kA2, kResult, 0);
    store(BPF_W, kFrame, in(kEntry, offsetof(FlowEntry, place)), kA2);
    find_range("drop");
    load(BPF_W, kA1, kRange, offsetof(Range, generation));
    store(BPF_W, kFrame, in(kEntry, offsetof(FlowEntry, generation)), kA1);
    call(BPF_FUNC_ktime_get_ns);
    store(BPF_DW, kFrame, in(kEntry, offsetof(FlowEntry, last_seen)), kResult);
    map(kA1, maps_.flows);
    stack_address(kA2, kKey);
    stack_address(kA3, kEntry);
    set(kA4, BPF_ANY);
    call(BPF_FUNC_map_update_elem);
    select();
    jump_if(BPF_JNE, kResult, 0, "drop");
  }

  // The range of the place in kA2, or a jump when it has no sockets.
  void find_range(std::string_view otherwise) {
    alu(BPF_ADD, kA2, static_cast<std::int32_t>(address_ * kGenerations));
    store(BPF_W, kFrame, kIndex, kA2);
    map(kA1, maps_.ranges);
    stack_address(kA2, kIndex);
    call(BPF_FUNC_map_lookup_elem);
    jump_if(BPF_JEQ, kResult, 0, otherwise);
    move(kRange, kResult);
    load(BPF_W, kA1, kRange, offsetof(Range, count));
    jump_if(BPF_JEQ, kA1, 0, otherwise);
  }

  // The kernel's hash of the flow, 32 bits and keyed, scaled to the range; 0 when the socket is there.
  void select() {
    load(BPF_W, kA1, kContext, offsetof(sk_reuseport_md, hash));
    load(BPF_W, kA2, kRange, offsetof(Range, count));
    alu_by(BPF_MUL, kA1, kA2);
    alu(BPF_RSH, kA1, 32);
    load(BPF_W, kA2, kRange, offsetof(Range, first));
    alu_by(BPF_ADD, kA1, kA2);
    store(BPF_W, kFrame, kIndex, kA1);
    move(kA1, kContext);
    map(kA2, maps_.sockets);
    stack_address(kA3, kIndex);
    set(kA4, 0);
    call(BPF_FUNC_sk_select_reuseport);
  }

  const Maps& maps_;
  std::uint32_t address_;
};

}  // namespace

std::vector<bpf_insn> program(const Maps& maps, std::uint32_t address) {
  return Program(maps, address).write();
}

}  // namespace sluice::restart::steering
