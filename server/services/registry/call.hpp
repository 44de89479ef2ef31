#pragma once
// One request of the registry, from its head to its answer.
#include <memory>
#include <optional>
#include <string>

#include "server/http/exchange.hpp"
#include "server/images/store.hpp"
#include "server/services/registry/answers.hpp"
#include "server/services/registry/route.hpp"
#include "server/services/registry/service.hpp"

namespace sagelet::registry {

class Call final : public http::Exchange {
 public:
  explicit Call(Registry& registry) : registry_(registry), store_(registry.store()) {}

  std::optional<http::Response> begin(http::Head head) override;
  std::optional<http::Response> body(std::string_view bytes) override;
  bool waits() const override { return true; }
  void finish(std::function<void(http::Response)> done) override;

 private:
  // call.cpp: on the head
  Step<void> read_route();
  Step<void> choose_registry();
  Step<std::string> account_of_caller();
  bool is_strict() const;
  bool has_signed_address() const;
  Step<void> check_right(const std::string& account) const;
  Step<void> open_body();
  http::Response challenge() const;
  http::Response answer();

  // blobs.cpp
  Step<void> open_chunk();
  Step<void> open_whole_blob();
  http::Response blob();
  http::Response delete_blob();
  http::Response start_upload();
  http::Response mount(const images::ContentDigest& digest);
  http::Response upload();
  http::Response finish_upload();
  http::Response status_of(int status, const images::UploadLease& lease) const;
  Step<images::ContentDigest> digest_in_query() const;
  std::string blob_path(const images::ContentDigest& digest) const;

  // manifests.cpp
  http::Response manifest();
  http::Response get_manifest(const images::Reference& reference);
  http::Response put_manifest(const images::Reference& reference);
  http::Response delete_manifest(const images::Reference& reference);
  http::Response referrers();

  // listings.cpp
  http::Response catalog();
  http::Response tags();
  Step<std::size_t> page_size() const;
  http::Response page(std::string_view path, std::string body, bool more, std::size_t size,
                      const std::string& last) const;

  bool is(std::string_view method) const { return head_.method == method; }
  bool reads() const { return is("GET") || is("HEAD"); }
  std::optional<std::string> query(std::string_view name) const;
  /// /v2/<repository as the client wrote it>
  std::string base_path() const { return "/v2/" + written_; }

  Registry& registry_;
  images::ImageStore& store_;
  http::Head head_;
  Route route_;
  std::string written_;  ///< the repository with the registry's name in front, when the path has one
  images::Place place_;
  std::optional<images::UploadLease> lease_;  ///< where the body goes
  bool gathers_ = false;                      ///< the body is a manifest
  std::string body_;
};

}  // namespace sagelet::registry
