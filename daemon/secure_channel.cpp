#include "daemon/secure_channel.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

#include "daemon/hmac.hpp"

namespace hogwild::daemon {
namespace {

/// Senders whose numbers are remembered; only holders of the key get a place.
constexpr std::size_t kMostSenders = 4096;
/// The buffer of one large stream message is given back with the next message.
constexpr std::size_t kBufferKept = 64U << 10U;

const unsigned char* raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}
unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

using Nonce = std::array<unsigned char, 12>;

Nonce nonce_of(std::uint64_t number) {
  Nonce nonce{};
  std::memcpy(nonce.data() + 4, &number, sizeof number);
  return nonce;
}

std::uint32_t epoch_of(std::uint64_t number) {
  return static_cast<std::uint32_t>(number / SecureChannel::kMessagesAKey);
}

}  // namespace

void SecureChannel::Free::operator()(evp_cipher_ctx_st* context) const {
  ::EVP_CIPHER_CTX_free(context);
}

SecureChannel::SecureChannel(std::string cluster, std::uint64_t self, KeyRing keys,
                             std::uint64_t first_number)
    : cluster_(std::move(cluster)), tag_(cluster_tag(cluster_)), self_(self) {
  assert(self != 0);
  const auto new_context = [](bool seals) {
    Context context(::EVP_CIPHER_CTX_new());
    if (!context || ::EVP_CipherInit_ex(context.get(), ::EVP_aes_256_gcm(), nullptr, nullptr,
                                        nullptr, seals ? 1 : 0) != 1) {
      throw std::bad_alloc();
    }
    return context;
  };
  for (SendLane& lane : sending_) {
    lane.next_number = first_number;
    lane.context = new_context(true);
  }
  opening_ = new_context(false);
  set_keys(std::move(keys));
}

SecureChannel::~SecureChannel() = default;

void SecureChannel::set_keys(KeyRing keys) {
  keys_ = std::move(keys);
  for (SendLane& lane : sending_) lane.has_key = false;
  for (auto& [id, sender] : senders_) {
    for (ReceiveLane& lane : sender.lanes) lane.has_key = false;
  }
}

SecureChannel::RequestMark SecureChannel::mark_of(std::span<const std::byte> request) {
  RequestMark mark{};
  const bool is_sealed =
      request.size() >= mark.size() && (request[3] & std::byte{0x80}) != std::byte{0};
  if (is_sealed) std::copy_n(request.begin(), mark.size(), mark.begin());
  return mark;
}

SecureChannel::SealingKey SecureChannel::derive(const ClusterKey& key, std::uint64_t sender,
                                                Lane lane, std::uint32_t epoch) const {
  // Fields of fixed length, then the name: no two sets of values give the same bytes.
  std::vector<std::byte> info(14 + cluster_.size() + 1);
  info[0] = std::byte{protocol_version()};
  info[1] = static_cast<std::byte>(lane);
  std::memcpy(info.data() + 2, &epoch, sizeof epoch);
  std::memcpy(info.data() + 6, &sender, sizeof sender);
  std::memcpy(info.data() + 14, cluster_.data(), cluster_.size());
  info.back() = std::byte{1};  // HKDF-Expand: its first and only block
  return hmac_sha256(key.root, info);
}

// ── Out ──

bool SecureChannel::seal_datagram(Channel channel, std::span<const std::byte> payload, Bytes& out) {
  return seal_bound(datagram_lane(channel), channel, payload, {}, out);
}

bool SecureChannel::seal_request(Channel channel, std::span<const std::byte> payload, Bytes& out) {
  return seal_bound(Lane::kStream, channel, payload, {}, out);
}

bool SecureChannel::seal_reply(const RequestMark& request, Channel channel,
                               std::span<const std::byte> payload, Bytes& out) {
  return seal_bound(Lane::kStream, channel, payload, request, out);
}

bool SecureChannel::seal_bound(Lane lane_name, Channel channel, std::span<const std::byte> payload,
                               std::span<const std::byte> bound_to, Bytes& out) {
  const EnvelopeBytes envelope =
      encode(Envelope{.channel = channel, .is_sealed = is_sealed(), .sender = self_}, tag_);
  const std::size_t begin = out.size();
  if (!is_sealed()) {
    out.resize(begin + envelope.size() + payload.size());
    std::ranges::copy(envelope, out.begin() + static_cast<std::ptrdiff_t>(begin));
    std::ranges::copy(payload, out.begin() + static_cast<std::ptrdiff_t>(begin + envelope.size()));
    return true;
  }
  SendLane& lane = sending_[static_cast<std::size_t>(lane_name)];
  const std::uint64_t number = lane.next_number;
  if (number >= kMostMessages) return false;
  ++lane.next_number;
  EVP_CIPHER_CTX* const context = lane.context.get();
  const ClusterKey& key = keys_.front();
  bool is_done = true;
  if (!lane.has_key || lane.epoch != epoch_of(number)) {
    lane.epoch = epoch_of(number);
    lane.has_key = true;
    const SealingKey sealing_key = derive(key, self_, lane_name, lane.epoch);
    is_done =
        ::EVP_EncryptInit_ex(context, nullptr, nullptr, raw(sealing_key.data()), nullptr) == 1;
  }
  out.resize(begin + kSealedHeadBytes + payload.size() + kTagBytes);
  std::byte* const head = out.data() + begin;
  const std::uint64_t tail = number << 16U | key.id;
  std::ranges::copy(envelope, head);
  std::memcpy(head + Envelope::kBytes, &tail, sizeof tail);
  std::byte* const body = head + kSealedHeadBytes;
  const Nonce nonce = nonce_of(number);
  int length = 0;
  is_done =
      is_done && ::EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
      ::EVP_EncryptUpdate(context, nullptr, &length, raw(head), kSealedHeadBytes) == 1 &&
      (bound_to.empty() || ::EVP_EncryptUpdate(context, nullptr, &length, raw(bound_to.data()),
                                               static_cast<int>(bound_to.size())) == 1) &&
      ::EVP_EncryptUpdate(context, raw(body), &length, raw(payload.data()),
                          static_cast<int>(payload.size())) == 1 &&
      ::EVP_EncryptFinal_ex(context, raw(body), &length) == 1 &&
      ::EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, body + payload.size()) == 1;
  assert(is_done);  // nothing in it depends on what others send
  return true;
}

// ── In ──

std::expected<Opened, Refusal> SecureChannel::open_datagram(std::span<const std::byte> message) {
  return open_bound(false, message, nullptr);
}

std::expected<Opened, Refusal> SecureChannel::open_request(std::span<const std::byte> message) {
  return open_bound(true, message, nullptr);
}

std::expected<Opened, Refusal> SecureChannel::open_reply(const RequestMark& request,
                                                         std::span<const std::byte> message) {
  return open_bound(true, message, &request);
}

std::expected<Opened, Refusal> SecureChannel::open_bound(bool is_stream,
                                                         std::span<const std::byte> message,
                                                         const RequestMark* request) {
  const auto envelope = decode_envelope(message, tag_);
  if (!envelope) return std::unexpected(envelope.error());
  if (!is_sealed()) {
    if (envelope->is_sealed) return std::unexpected(Refusal::kSealed);
    return Opened{*envelope, message.subspan(Envelope::kBytes)};
  }
  if (!envelope->is_sealed) return std::unexpected(Refusal::kNotSealed);
  if (message.size() < kSealedHeadBytes + kTagBytes) return std::unexpected(Refusal::kTruncated);
  std::uint64_t tail = 0;
  std::memcpy(&tail, message.data() + Envelope::kBytes, sizeof tail);
  const std::uint64_t number = tail >> 16U;
  const KeyName name{static_cast<std::uint16_t>(tail & 0xffffU), epoch_of(number)};
  const auto key = std::ranges::find(keys_, name.key, &ClusterKey::id);
  if (key == keys_.end()) return std::unexpected(Refusal::kUnknownKey);

  const Lane lane_name = is_stream ? Lane::kStream : datagram_lane(envelope->channel);
  const auto known = senders_.find(envelope->sender);
  const ReceiveLane* lane =
      known == senders_.end() ? nullptr : &known->second.lanes[static_cast<std::size_t>(lane_name)];
  // A reply is fresh because its request was; its number is one of many that went elsewhere.
  const bool is_request = request == nullptr;
  if (is_request && lane != nullptr && !lane->window.is_new(number)) {
    return std::unexpected(Refusal::kReplayed);
  }
  const bool has_key = lane != nullptr && lane->has_key && lane->name == name;
  const SealingKey sealing_key =
      has_key ? lane->key : derive(*key, envelope->sender, lane_name, name.epoch);
  const auto bound_to =
      is_request ? std::span<const std::byte>() : std::span<const std::byte>(*request);
  if (!decrypt(sealing_key, number, message, bound_to)) return std::unexpected(Refusal::kForged);

  // Genuine: only now is anything remembered.
  ReceiveLane& genuine = lane_of(envelope->sender, lane_name);
  genuine.name = name;
  genuine.key = sealing_key;
  genuine.has_key = true;
  if (is_request) genuine.window.mark(number);
  return Opened{*envelope, plain_};
}

bool SecureChannel::decrypt(const SealingKey& key, std::uint64_t number,
                            std::span<const std::byte> message,
                            std::span<const std::byte> bound_to) {
  const std::size_t size = message.size() - kSealedHeadBytes - kTagBytes;
  if (plain_.capacity() > kBufferKept && size <= kBufferKept) plain_ = Bytes();
  plain_.resize(size);
  const std::byte* const body = message.data() + kSealedHeadBytes;
  std::array<std::byte, kTagBytes> tag;
  std::copy_n(body + size, kTagBytes, tag.begin());
  EVP_CIPHER_CTX* const context = opening_.get();
  const Nonce nonce = nonce_of(number);
  int length = 0;
  return ::EVP_DecryptInit_ex(context, nullptr, nullptr, raw(key.data()), nonce.data()) == 1 &&
         ::EVP_DecryptUpdate(context, nullptr, &length, raw(message.data()), kSealedHeadBytes) ==
             1 &&
         (bound_to.empty() || ::EVP_DecryptUpdate(context, nullptr, &length, raw(bound_to.data()),
                                                  static_cast<int>(bound_to.size())) == 1) &&
         ::EVP_DecryptUpdate(context, raw(plain_.data()), &length, raw(body),
                             static_cast<int>(size)) == 1 &&
         ::EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
         ::EVP_DecryptFinal_ex(context, raw(plain_.data()), &length) == 1;
}

SecureChannel::ReceiveLane& SecureChannel::lane_of(std::uint64_t id, Lane lane) {
  const auto known = senders_.find(id);
  if (known == senders_.end() && senders_.size() >= kMostSenders) {
    senders_.erase(std::ranges::min_element(
        senders_, {}, [](const auto& entry) { return entry.second.last_used; }));
  }
  Sender& sender = known == senders_.end() ? senders_[id] : known->second;
  sender.last_used = ++opened_;
  return sender.lanes[static_cast<std::size_t>(lane)];
}

}  // namespace hogwild::daemon
