// A browser's form (S3's POST object). Its fields say who calls and what for, and they come in the body; so
// the call stops at open_form() and goes on, as the request that the form stands for, where its file begins.
#include "server/gateway/call.hpp"
#include "server/gateway/dispatch.hpp"

namespace sagelet::gateway {

using http::Response;

namespace {

/// The bucket that a form is sent to; empty when the target is more (or less) than that.
std::string bucket_of(std::string_view target) {
  if (!target.starts_with('/')) return {};
  target.remove_prefix(1);
  if (target.ends_with('/')) target.remove_suffix(1);
  return target.find_first_of("/?") == std::string_view::npos ? std::string(target) : std::string();
}

}  // namespace

std::optional<Response> Call::open_form() {
  if (head_.method != "POST" || service_->model().name != "s3") return std::nullopt;
  const auto boundary = wire::form_boundary(head_.headers.get("content-type"));
  if (!boundary) return std::nullopt;
  form_bucket_ = bucket_of(identified_.target);
  if (form_bucket_.empty()) return std::nullopt;
  form_.emplace(*boundary, wire::MultipartForm::File{
                               .begins = [this](std::string name) { return begin_file(std::move(name)); },
                               .bytes = [this](std::string_view bytes) { return sink_->write(bytes); }});
  return std::nullopt;
}

Status Call::begin_file(std::string filename) {
  form_refusal_ = become_request(std::move(filename));
  if (form_refusal_) return Error(ErrorKind::kPermission, "the form was refused");
  return {};
}

std::optional<Response> Call::become_request(std::string filename) {
  auto judged = authenticator().judge_form(form_->fields());
  if (!judged) return refusal(judged.error());
  judged_ = std::move(*judged);
  if (const auto refused = admit()) return refusal(*refused);
  fill_context();
  auto request = service_->request_of(context_, {form_bucket_, std::move(filename), form_->fields()});
  if (!request) return failure(request.error());
  form_request_ = std::move(*request);
  head_ = std::move(form_request_->head);
  identified_.target = head_.target;
  if (auto early = proceed()) return early;
  return sink_ ? std::nullopt : std::optional(failure(api::Error::internal()));
}

std::optional<api::Error> Call::end_of_form() const {
  if (!form_) return std::nullopt;
  if (auto ended = form_->finish(); !ended) return error_of_form(ended.error());
  if (!form_->has_file())
    return api::Error::make("IncorrectNumberOfFilesInPostRequest",
                            "POST requires exactly one file upload per request.", 400);
  return std::nullopt;
}

}  // namespace sagelet::gateway
