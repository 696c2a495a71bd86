/* prinex: the control socket: connections and lines
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

/* User and group names of a new connection, on their way from the helper thread. */
struct lookup {
	struct px_ctl *ctl;
	struct conn *conn; /* NULL: it has gone */
	struct px_ctl_names names;
};

struct px_ctl *px_ctl_ref(struct px_ctl *ctl)
{
	ctl->refs++;
	return ctl;
}

void px_ctl_unref(struct px_ctl *ctl)
{
	if (--ctl->refs > 0)
		return;
	ctl->magic = 0;
	free(ctl->path);
	free(ctl);
}

/* --- a connection
 * --------------------------------------------------------------------------------------------- */

static void conn_close(struct conn *conn)
{
	struct px_ctl *ctl = conn->ctl;
	TAILQ_REMOVE(&ctl->conns, conn, link);
	ctl->n_conns--;
	px_timer_stop(ctl->setup.timers, &conn->deadline);
	if (conn->job != NULL)
		px_job_leave(conn->job);
	if (conn->lookup != NULL)
		conn->lookup->conn = NULL;
	if (ctl->uploading == conn)
		ctl->uploading = NULL;
	px_buf_free(&conn->upload);
	bufferevent_free(conn->bev);
	px_ctl_peer_free(&conn->peer);
	free(conn);
}

static size_t unsent(const struct conn *conn)
{
	return evbuffer_get_length(bufferevent_get_output(conn->bev));
}

static void on_deadline(void *arg)
{
	struct conn *conn = arg;
	px_log(PX_LOG_INFO, "control", "user=%s pid=%d connection closed: %s", conn->names.user,
	       (int)conn->peer.pid, unsent(conn) > 0 ? "the answer was not read in time" : "idle");
	conn_close(conn);
}

/* An answer must be read in time; between commands a connection may idle longer; a command may take long. */
static void set_deadline(struct conn *conn)
{
	const struct px_ctl_setup *setup = &conn->ctl->setup;
	if (unsent(conn) > 0) {
		if (!conn->answering)
			px_timer_set(setup->timers, &conn->deadline, setup->answer_ms, on_deadline, conn);
		conn->answering = true; /* more answers don't put it off */
		return;
	}
	conn->answering = false;
	if (conn->job != NULL || conn->lookup != NULL)
		px_timer_stop(setup->timers, &conn->deadline);
	else
		px_timer_set(setup->timers, &conn->deadline, setup->idle_ms, on_deadline, conn);
}

void px_conn_send(struct conn *conn, json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);
	px_assert(text != NULL);
	json_decref(line);
	struct evbuffer *out = bufferevent_get_output(conn->bev);
	evbuffer_add(out, text, strlen(text));
	evbuffer_add(out, "\n", 1);
	free(text);
	set_deadline(conn);
}

static void refuse(struct conn *conn, int code, const char *text)
{
	json_t *error = json_object();
	px_json_set_int(error, "code", code);
	px_json_set_text(error, "message", text);
	json_t *line = json_object();
	px_json_set_text(line, "jsonrpc", "2.0");
	px_json_set(line, "id", json_null());
	px_json_set(line, "error", error);
	conn->closing = true;
	bufferevent_disable(conn->bev, EV_READ);
	px_conn_send(conn, line);
}

/* Whether another command may begin: one at a time, and not while the client leaves answers unread. */
static bool is_ready(const struct conn *conn)
{
	return conn->job == NULL && conn->lookup == NULL && !conn->closing &&
	       unsent(conn) <= (size_t)PX_LIMIT_CTL_UNREAD;
}

/*
 * Go on reading while there is room for the next line; its client's leaving is noticed by that, too. Not by a
 * high watermark: libevent calls the read callback over and over while the input stays above it.
 */
static void pace(struct conn *conn)
{
	size_t have = evbuffer_get_length(bufferevent_get_input(conn->bev));
	if (conn->closing || conn->half_closed || have > (size_t)PX_LIMIT_CTL_LINE)
		bufferevent_disable(conn->bev, EV_READ);
	else
		bufferevent_enable(conn->bev, EV_READ);
	set_deadline(conn);
}

static void take_lines(struct conn *conn)
{
	struct evbuffer *in = bufferevent_get_input(conn->bev);
	conn->serving = true;
	while (is_ready(conn)) {
		size_t len = 0;
		char *line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
		if (line == NULL)
			break;
		if (len > (size_t)PX_LIMIT_CTL_LINE)
			refuse(conn, PX_RPC_REQUEST, "the line is longer than a request may be");
		else
			px_job_start(conn, line, len);
		free(line);
	}
	conn->serving = false;
	if (is_ready(conn) && evbuffer_get_length(in) > (size_t)PX_LIMIT_CTL_LINE)
		refuse(conn, PX_RPC_REQUEST, "the line is longer than a request may be");
	else if (is_ready(conn) && conn->half_closed && unsent(conn) == 0)
		conn_close(conn);
	else
		pace(conn);
}

void px_conn_job_ended(struct conn *conn)
{
	conn->job = NULL;
	if (!conn->serving)
		take_lines(conn);
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	(void)bev;
	take_lines(arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct conn *conn = arg;
	(void)bev;
	conn->answering = false;
	if (conn->closing)
		conn_close(conn);
	else
		take_lines(conn);
}

/* `echo '{...}' | socat - UNIX:...` sends, shuts its half, and reads the answer. */
static bool only_half_closed(const struct conn *conn)
{
	struct pollfd p = {.fd = bufferevent_getfd(conn->bev), .events = POLLOUT};
	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) == 0;
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct conn *conn = arg;
	if ((what & BEV_EVENT_EOF) != 0 && only_half_closed(conn)) {
		bufferevent_disable(bev, EV_READ);
		conn->half_closed = true;
		take_lines(conn);
		return;
	}
	conn_close(conn);
}

/* --- who is it
 * ------------------------------------------------------------------------------------------------ */

static void look_up(void *arg)
{
	struct lookup *l = arg;
	px_ctl_names_find(&l->names);
}

static void looked_up(void *arg)
{
	struct lookup *l = arg;
	struct conn *conn = l->conn;
	if (conn != NULL) {
		conn->lookup = NULL;
		conn->names = l->names;
		conn->right = px_ctl_right_of(&conn->peer, &conn->names, geteuid());
		if (conn->right == PX_CTL_MAY_NOTHING) {
			struct px_buf why = PX_BUF_INIT;
			px_ctl_right_explain(conn->right, &conn->names, &why);
			px_log(PX_LOG_NOTICE, "control", "pid=%d refused: %s", (int)conn->peer.pid,
			       px_buf_str(&why));
			refuse(conn, PX_RPC_NOT_PERMITTED, px_buf_str(&why));
			px_buf_free(&why);
		} else {
			take_lines(conn);
		}
	}
	px_ctl_unref(l->ctl);
	free(l);
}

static void begin_look_up(struct conn *conn)
{
	struct lookup *l = px_xcalloc(1, sizeof(*l));
	const struct px_conf *conf = px_ctl_conf(conn->ctl);
	l->ctl = px_ctl_ref(conn->ctl);
	l->conn = conn;
	l->names.uid = conn->peer.uid;
	px_strlcpy(l->names.admin, conf->control_admin, sizeof(l->names.admin));
	px_strlcpy(l->names.observer, conf->control_observer, sizeof(l->names.observer));
	conn->lookup = l;
	px_work_run(conn->ctl->names, look_up, looked_up, l);
}

/* --- accepting
 * ------------------------------------------------------------------------------------------------ */

static unsigned of_user(const struct px_ctl *ctl, uid_t uid)
{
	unsigned n = 0;
	const struct conn *c;
	TAILQ_FOREACH(c, &ctl->conns, link)
	n += c->peer.uid == uid;
	return n;
}

static void welcome(struct px_ctl *ctl, int fd)
{
	struct conn *conn = px_xcalloc(1, sizeof(*conn));
	conn->ctl = ctl;
	if (px_ctl_peer_of(fd, &conn->peer) != PX_OK) {
		px_warn("control", "cannot tell who connected");
		close(fd);
		free(conn);
		return;
	}
	bool crowded = of_user(ctl, conn->peer.uid) >= PX_LIMIT_CTL_CONNECTIONS_USER;
	conn->bev = bufferevent_socket_new(ctl->setup.base, fd, BEV_OPT_CLOSE_ON_FREE);
	px_assert(conn->bev != NULL);
	bufferevent_setcb(conn->bev, on_readable, on_written, on_event, conn);
	bufferevent_enable(conn->bev, EV_WRITE);
	TAILQ_INSERT_TAIL(&ctl->conns, conn, link);
	ctl->n_conns++;
	if (crowded || ctl->n_conns > (unsigned)PX_LIMIT_CTL_CONNECTIONS)
		refuse(conn, PX_RPC_BUSY, "too many connections to the control socket; close some");
	else
		begin_look_up(conn);
}

static void accept_again(void *arg)
{
	struct px_ctl *ctl = arg;
	event_add(ctl->accept, NULL);
}

static void on_connection(evutil_socket_t fd, short what, void *arg)
{
	struct px_ctl *ctl = PX_CAST(arg, struct px_ctl, PX_CTL_MAGIC);
	(void)what;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client >= 0 && ctl->n_conns >= 2 * (unsigned)PX_LIMIT_CTL_CONNECTIONS) {
		close(client); /* even refusing politely has its limit */
	} else if (client >= 0) {
		welcome(ctl, client);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		px_warn("control", "cannot accept a connection, next try in a second");
		event_del(ctl->accept);
		px_timer_set(ctl->setup.timers, &ctl->pause, 1000, accept_again, ctl);
	}
}

/* --- the socket
 * ----------------------------------------------------------------------------------------------- */

static int open_socket(int type_flags, int *fd, struct px_buf *why)
{
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | type_flags, 0);
	if (*fd >= 0)
		return PX_OK;
	px_buf_setf(why, "cannot make a Unix socket: %s", strerror(errno));
	return PX_ESYS;
}

/* A file that a daemon left behind refuses connections; one that answers is alive. */
static int remove_stale(const char *path, const struct sockaddr_un *address, struct px_buf *why)
{
	struct stat st;
	int fd;
	if (lstat(path, &st) != 0)
		return PX_OK;
	if (!S_ISSOCK(st.st_mode)) {
		px_buf_setf(why, "control socket %s: there is a file of that name that is no socket", path);
		return PX_ESYS;
	}
	if (open_socket(SOCK_NONBLOCK, &fd, why) != PX_OK)
		return PX_ESYS;
	int rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	int error = errno;
	close(fd);
	if (rc == 0 || error != ECONNREFUSED) {
		px_buf_setf(why, "control socket %s: another process answers there%s%s", path,
			    rc == 0 ? "" : ": ", rc == 0 ? "" : strerror(error));
		return PX_EDUPLICATE;
	}
	unlink(path);
	return PX_OK;
}

static int bind_socket(struct px_ctl *ctl, struct px_buf *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	if (!px_strlcpy(address.sun_path, ctl->path, sizeof(address.sun_path))) {
		px_buf_setf(why, "control socket %s: a name of at most %zu octets is needed", ctl->path,
			    sizeof(address.sun_path) - 1);
		return PX_ESYS;
	}
	int rc = remove_stale(ctl->path, &address, why);
	if (rc != PX_OK || (rc = open_socket(SOCK_NONBLOCK, &ctl->fd, why)) != PX_OK)
		return rc;
	/* Anybody may connect: who may do what is decided by the peer's credentials, with a text that says
	 * why. */
	if (bind(ctl->fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(ctl->path, 0666) != 0 || stat(ctl->path, &st) != 0 || listen(ctl->fd, 64) != 0) {
		px_buf_setf(why, "control socket %s: %s", ctl->path, strerror(errno));
		close(ctl->fd);
		ctl->fd = -1;
		return PX_ESYS;
	}
	ctl->dev = st.st_dev;
	ctl->ino = st.st_ino;
	return PX_OK;
}

int px_ctl_new(const struct px_ctl_setup *setup, struct px_ctl **out, struct px_buf *why)
{
	struct px_ctl *ctl = px_xcalloc(1, sizeof(*ctl));
	ctl->magic = PX_CTL_MAGIC;
	ctl->refs = 1;
	ctl->setup = *setup;
	ctl->clock = px_timers_clock(setup->timers);
	ctl->path = px_xstrdup(setup->socket_path);
	ctl->setup.socket_path = ctl->path;
	if (setup->answer_ms == 0)
		ctl->setup.answer_ms = PX_LIMIT_DEADLINE_ANSWER;
	if (setup->idle_ms == 0)
		ctl->setup.idle_ms = PX_LIMIT_CTL_IDLE;
	TAILQ_INIT(&ctl->conns);
	int rc = bind_socket(ctl, why);
	if (rc != PX_OK) {
		px_ctl_unref(ctl);
		return rc;
	}
	ctl->names = px_work_new(setup->base);
	ctl->files = px_work_new(setup->base);
	ctl->accept = event_new(setup->base, ctl->fd, EV_READ | EV_PERSIST, on_connection, ctl);
	px_assert(ctl->accept != NULL && event_add(ctl->accept, NULL) == 0);
	*out = ctl;
	return PX_OK;
}

/* What was answered last, to `stop` above all, still goes out if the peer's buffer takes it. */
static void flush(struct conn *conn)
{
	struct evbuffer *out = bufferevent_get_output(conn->bev);
	evbuffer_unfreeze(out, 1);
	while (evbuffer_get_length(out) > 0 && evbuffer_write(out, bufferevent_getfd(conn->bev)) > 0)
		;
}

void px_ctl_free(struct px_ctl **ctl)
{
	struct px_ctl *c = *ctl;
	struct stat st;
	if (c == NULL)
		return;
	*ctl = NULL;
	c->closed = true;
	px_timer_stop(c->setup.timers, &c->pause);
	event_free(c->accept);
	close(c->fd);
	/* Only our own file: another daemon may have taken its place. */
	if (stat(c->path, &st) == 0 && st.st_dev == c->dev && st.st_ino == c->ino)
		unlink(c->path);
	while (!TAILQ_EMPTY(&c->conns)) {
		flush(TAILQ_FIRST(&c->conns));
		conn_close(TAILQ_FIRST(&c->conns));
	}
	px_work_free(&c->names);
	px_work_free(&c->files);
	px_ctl_unref(c);
}

unsigned px_ctl_connections(const struct px_ctl *ctl)
{
	return ctl->n_conns;
}
