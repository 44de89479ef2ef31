#include "server/gateway/gateway.hpp"

#include <charconv>
#include <exception>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "fmt/format.h"
#include "server/gateway/call.hpp"
#include "server/gateway/cors.hpp"
#include "server/gateway/dispatch.hpp"
#include "server/model/validate.hpp"

namespace sagelet::gateway {

using http::Response;

namespace {

constexpr std::size_t kReportLimit = 1u << 20;  ///< its token is known only when it is whole

}  // namespace

Gateway::Gateway(Options options, const auth::Authenticator& authenticator, admin::Admin admin,
                 const Clock& clock, Ids& ids)
    : options_(std::move(options)),
      authenticator_(authenticator),
      admin_(std::move(admin)),
      clock_(clock),
      ids_(ids) {}

void Gateway::add(Service* service) {
  services_.push_back(service);
}

std::unique_ptr<http::Exchange> Gateway::exchange() {
  return std::make_unique<Call>(*this);
}

Service* Gateway::service(std::string_view name) const {
  for (Service* service : services_)
    if (service->model().name == name) return service;
  return nullptr;
}

// ---------------------------------------------------------------------------------------------------------------
// The life of a request: these steps on its head, then its body, then finish().

const Call::Step Call::kHeadSteps[] = {
    &Call::guard_host,        // a Host that is neither ours nor AWS's: DNS rebinding
    &Call::hand_over,         // images are pushed by another protocol, with another kind of login
    &Call::answer_preflight,  // a browser asks whether it may ask
    &Call::authenticate,      // who signed it, and how is the body framed
    &Call::identify_service,  // which service, in which region, under which path
    &Call::guard_origin,      // a page of somebody else's in the user's browser
    &Call::open_form,         // a form of S3's: its fields say the rest, so the steps below wait for them
    &Call::match_operation,   // which operation (query protocol: only with the body)
    &Call::refuse_anonymous,  //
    &Call::open_sink,         // a streaming payload goes where the service says
};

const Call::Step* const Call::kLastStep = std::end(kHeadSteps);

std::optional<Response> Call::begin(http::Head head) {
  head_ = std::move(head);
  visit_ = head_.peer.visit;
  gateway_.counters().requests.fetch_add(1, std::memory_order_relaxed);
  context_.request_id = gateway_.ids().uuid();
  return proceed();
}

std::optional<Response> Call::proceed() {
  while (next_step_ != kLastStep) {
    const Step step = *next_step_++;
    if (auto early = (this->*step)()) return early;
    if (admin_ || guest_ || form_waits()) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Response> Call::body(std::string_view bytes) {
  if (guest_) return guest_->body(bytes);
  const Status kept =
      chunked_ ? chunked_->feed(bytes, [this](std::string_view plain) { return keep(plain); }) : keep(bytes);
  if (kept) return std::nullopt;
  if (form_refusal_) return std::move(form_refusal_);
  if (form_) return failure(error_of_form(kept.error()));
  if (admin_) return Response::text(413, kept.error().message() + "\n");
  return failure(error_of_body(kept.error(), service_->model()));
}

void Call::finish(std::function<void(Response)> done) {
  if (guest_) return guest_->finish([this, done](Response response) { done(counted(std::move(response))); });
  if (admin_) return done(counted(admin::answer(gateway_.admin(), head_, body_)));
  auto input = read_input();
  if (!input) return done(failure(input.error()));
  answer(run(std::move(*input)), done);
}

// ---------------------------------------------------------------------------------------------------------------
// Steps on the head

std::optional<Response> Call::guard_host() {
  if (!authenticator().host_allowed(head_))
    return counted(Response::text(
        403, fmt::format(
                 "Sagelet does not answer to the name \"{}\". If it should, add the name to allowed_hosts in "
                 "sagelet.yaml.\n",
                 head_.headers.get("host"))));
  admin_ = head_.path().starts_with(admin::kPrefix);
  if (admin_ && at_door() && !is_for_nodes(head_))
    return counted(Response::text(
        403, fmt::format("{} is not for nodes: ask on the server's own machine.\n", head_.path())));
  if (admin_ && authenticator().origin_foreign(head_))
    return counted(Response::text(403, "Requests of other web sites are refused.\n"));
  return std::nullopt;
}

std::optional<Response> Call::hand_over() {
  const auto& registry = gateway_.options().registry;
  if (admin_ || !registry || !is_for_registry(head_, server_host())) return std::nullopt;
  if (authenticator().origin_foreign(head_))
    return counted(Response::text(403, "Requests of other web sites are refused.\n"));
  if (at_door() && !gateway_.options().door->admit_to_images(head_)) head_.headers.remove("authorization");
  guest_ = registry();
  auto early = guest_->begin(std::move(head_));
  if (!early) return std::nullopt;
  return counted(std::move(*early));
}

std::optional<Response> Call::answer_preflight() {
  auto* cors = gateway_.options().cors;
  if (head_.method != "OPTIONS" || cors == nullptr || at_door()) return std::nullopt;
  identified_ = identify(head_, {}, server_host());
  if (identified_.service != "s3") return std::nullopt;
  service_ = gateway_.service(identified_.service);
  if (!service_) return std::nullopt;
  protocol_ = &wire::protocol_of(service_->model(), head_);
  const auto question = preflight_question(head_, identified_.target);
  if (!question) return failure(question.error());
  auto allowed = cors->preflight(*question);
  if (!allowed) return failure(allowed.error());
  Response response;
  response.headers = std::move(*allowed);
  response.headers.add("x-amz-request-id", context_.request_id);
  return counted(std::move(response));
}

std::optional<Response> Call::authenticate() {
  auto judged = authenticator().judge(head_);
  if (judged) {
    judged_ = std::move(*judged);
    refused_ = admit();
  } else {
    refused_ = std::move(judged).error();
  }
  return std::nullopt;
}

/// By the door, for as long as the caller's job lives.
std::optional<auth::Refusal> Call::admit() {
  if (!at_door() || judged_.anonymous) return std::nullopt;
  return gateway_.options().door->admit(*visit_, judged_);
}

const auth::Authenticator& Call::authenticator() const {
  return at_door() ? gateway_.options().door->authenticator() : gateway_.authenticator();
}

const std::string& Call::server_host() const {
  return at_door() ? gateway_.options().door->host() : gateway_.options().server_host;
}

std::optional<Response> Call::identify_service() {
  identified_ = identify(head_, judged_.service, server_host());
  service_ = gateway_.service(identified_.service);
  if (!service_)
    return counted(Response::text(
        501,
        fmt::format("NotImplemented: Sagelet does not have the service \"{}\".\n", identified_.service)));
  protocol_ = &wire::protocol_of(service_->model(), head_);
  fill_context();
  read_cors();
  if (refused_) return refusal(*refused_);
  if (judged_.payload != auth::PayloadForm::kPlain)
    chunked_.emplace(judged_, decoded_length(head_), authenticator().options().mode == auth::Mode::kStrict);
  return std::nullopt;
}

std::optional<Response> Call::guard_origin() {
  if (service_->model().name == "s3" || !authenticator().origin_foreign(head_)) return std::nullopt;
  return failure(api::Error::make("AccessDeniedException", "Requests of other web sites are refused.", 403));
}

std::optional<Response> Call::match_operation() {
  if (protocol_ == &wire::protocol_of(model::ProtocolKind::kQuery)) return std::nullopt;
  auto match = protocol_->match(service_->model(), head_, identified_.target, {});
  if (!match) return failure(match.error());
  match_ = std::move(*match);
  return std::nullopt;
}

std::optional<Response> Call::refuse_anonymous() {
  if (!judged_.anonymous) return std::nullopt;
  if (at_door()) return refusal(unsigned_at_door());
  if (match_.operation && match_.operation->unsigned_allowed) return std::nullopt;
  if (service_->model().name == "s3") return std::nullopt;  // its buckets say who may
  return failure(
      api::Error::make("MissingAuthenticationToken", "Request is missing Authentication Token", 403));
}

std::optional<Response> Call::open_sink() {
  if (!match_.operation || !has_streaming_input(*match_.operation)) return std::nullopt;
  auto params = protocol_->parse_head(match_, head_, identified_.target);
  if (!params) return failure(params.error());
  auto sink = service_->sink(context_, *match_.operation, *params, decoded_length(head_));
  if (!sink) return failure(sink.error());
  sink_ = std::move(*sink);
  bound_ = std::move(*params);
  return std::nullopt;
}

void Call::read_cors() {
  auto* cors = gateway_.options().cors;
  if (cors == nullptr || identified_.service != "s3" || !head_.headers.has("origin")) return;
  cors_ = cors->headers_for(cors_question(head_, identified_.target));
}

void Call::fill_context() {
  const auto& options = gateway_.options();
  context_.identity = identity_of(judged_);
  context_.region = Region(!judged_.region.empty()       ? judged_.region
                           : !identified_.region.empty() ? identified_.region
                                                         : options.default_region);
  context_.clock = &gateway_.clock();
  context_.ids = &gateway_.ids();
  context_.head = &head_;
  context_.signed_payload_sha256 = judged_.payload_sha256;
  context_.base_url.assign(head_.peer.tls ? "https://" : "http://").append(head_.headers.get("host"));
}

// ---------------------------------------------------------------------------------------------------------------
// The body and the answer

Status Call::keep(std::string_view bytes) {
  if (form_) return form_->feed(bytes);
  if (sink_) return sink_->write(bytes);
  const std::size_t limit = admin_ && at_door() ? kReportLimit : gateway_.options().body_limit;
  if (body_.size() + bytes.size() > limit)
    return Error(ErrorKind::kNoSpace, fmt::format("the request body is larger than {} bytes", limit));
  body_.append(bytes);
  return {};
}

Status Call::end_of_body() {
  if (!chunked_) return {};
  TRY(chunked_->finish());
  if (auto* sink = dynamic_cast<TrailerSink*>(sink_.get())) sink->trailers(chunked_->trailers());
  return {};
}

bool Call::waits() const {
  if (guest_) return guest_->waits();
  if (admin_) return true;
  if (!match_.operation) return true;  // query protocol: the operation is in the body, and some of them wait
  const Handler* handler = service_->handler(*match_.operation);
  return handler && handler->waits;
}

Reply<Input> Call::read_input() {
  const auto& model = service_->model();
  if (auto ended = end_of_body(); !ended) return error_of_body(ended.error(), model);
  if (auto error = end_of_form()) return std::move(*error);
  if (auto error = authenticator().judge_body(judged_, body_, sink_ != nullptr); error)
    return error_of_refusal(*error, model);
  if (!match_.operation) {
    TRY(match_, protocol_->match(model, head_, identified_.target, body_));
    if (judged_.anonymous && !match_.operation->unsigned_allowed)
      return api::Error::make("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
  }
  Input input;
  if (bound_) {
    input.params = std::move(*bound_);
  } else {
    TRY(input.params, protocol_->parse(match_, head_, identified_.target, body_));
  }
  if (match_.operation->input && checks_by_model(model))
    if (auto text = model::violations(*match_.operation->input, input.params))
      return api::Error::make(validation_code(model), std::move(*text));
  input.sink = std::move(sink_);
  return input;
}

Reply<Output> Call::run(Input input) {
  const Handler* handler = service_->handler(*match_.operation);
  if (!handler) return not_implemented(service_->model(), *match_.operation);
  try {
    return handler->call(context_, std::move(input));
  } catch (const std::exception& bug) {
    log::error("{} {} {}: {}", context_.request_id, service_->model().name, match_.operation->name,
               bug.what());
    return api::Error::internal();
  }
}

void Call::answer(Reply<Output> reply, const std::function<void(Response)>& done) {
  if (!reply) return done(failure(reply.error()));
  if (!reply->after) return done(success(std::move(*reply)));
  auto output = std::make_shared<Output>(std::move(*reply));
  const Ticket ticket = std::move(*output->after);
  output->after.reset();
  ticket.on_done([this, output, done](Status status) {
    if (status) return done(success(std::move(*output)));
    done(
        failure(output->failed ? output->failed(status.error()) : logged_internal(status.error(), context_)));
  });
}

Response Call::success(Output output) {
  try {
    auto response =
        protocol_->serialise(service_->model(), *match_.operation, std::move(output), context_.request_id);
    return counted(form_request_ ? form_request_->answer(std::move(response)) : std::move(response));
  } catch (const std::exception& bug) {
    log::error("{} answer of {}: {}", context_.request_id, match_.operation->name, bug.what());
    return failure(api::Error::internal());
  }
}

Response Call::failure(const api::Error& error) {
  return counted(
      protocol_->serialise_error(service_->model(), match_.operation, error, context_.request_id, is_head()));
}

Response Call::refusal(const auth::Refusal& refusal) {
  if (at_door()) return failure(error_of_refusal(explained(refusal), service_->model()));
  return failure(error_of_refusal(refusal, service_->model()));
}

Response Call::counted(Response response) {
  for (const auto& [name, value] : cors_) response.headers.add(name, value);
  auto& counters = gateway_.counters();
  if (response.status >= 500)
    counters.server_errors.fetch_add(1, std::memory_order_relaxed);
  else if (response.status >= 400)
    counters.client_errors.fetch_add(1, std::memory_order_relaxed);
  return response;
}

}  // namespace sagelet::gateway
