#pragma once
// The names this room uses of Asio. Executors are concrete (an io_context's), so nothing is type-erased on
// the way.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace sagelet::net {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;
template <class T>
using Task = asio::awaitable<T, Executor>;
using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

inline constexpr asio::use_awaitable_t<Executor> kAwait;
/// The error comes as a value: const auto [error] = co_await x.async_wait(..., kAwaitError);
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> kAwaitError(kAwait);

}  // namespace sagelet::net
