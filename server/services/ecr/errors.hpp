#pragma once
// ECR's errors, in AWS's words. What the store refuses becomes them here and nowhere else.
#include "server/images/store.hpp"
#include "server/model/call.hpp"

namespace sagelet::ecr::errors {

api::Error invalid_parameter(std::string_view where, std::string_view constraint);
api::Error image_not_found(const images::Place& place, const images::Reference& reference);
api::Error image_already_exists(const images::Place& place, std::string_view digest, std::string_view tag);
api::Error layers_not_found(const images::Place& place, const std::vector<std::string>& digests);
api::Error layer_already_exists(const images::Place& place, std::string_view digest);
api::Error empty_upload(const images::Place& place, std::string_view upload);
api::Error part_out_of_order(const images::Place& place, std::string_view upload, std::uint64_t expected);
api::Error no_policy(const images::Place& place);
api::Error no_lifecycle_policy(const images::Place& place);

api::Error from(const images::Refused& refused, const images::Place& place);

/// The value, or the store's refusal as the client reads it.
template <class T>
Reply<T> lift(images::Outcome<T> outcome, const images::Place& place) {
  if (!outcome) return from(outcome.error(), place);
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(*outcome);
  }
}

}  // namespace sagelet::ecr::errors
