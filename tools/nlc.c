// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <sys/socket.h>
#include "nlc.h"

#define ATTRS_MAX	64

struct asking {
	struct nlc *nl;
	const struct nlc_set *set;
	nlc_each *each;
	void *arg;
	int error;
	bool done, stopped;
};

/* ----------------------------------------------------------------------------------------------------------------- rows */

uint64_t nlc_number(const struct nlc_row *row, int attr)
{
	struct nlattr *at = row->attrs[attr];

	if (!at)
		return 0;
	switch (row->set->attrs[attr].type) {
	case NLC_U8:
		return nla_get_u8(at);
	case NLC_U32:
		return nla_get_u32(at);
	case NLC_U64:
		return nla_get_u64(at);
	default:
		return 0;
	}
}

const char *nlc_text(const struct nlc_row *row, int attr)
{
	return row->attrs[attr] && row->set->attrs[attr].type == NLC_STRING ? nla_get_string(row->attrs[attr]) : "";
}

uint64_t nlc_element(const struct nlc_row *row, int attr, unsigned int i)
{
	uint64_t element = 0;

	if (row->attrs[attr] && row->set->attrs[attr].type == NLC_BINARY && (i + 1) * sizeof(element) <= (size_t)nla_len(row->attrs[attr]))
		memcpy(&element, (char *)nla_data(row->attrs[attr]) + i * sizeof(element), sizeof(element));
	return element;
}

/* A length that is not the type's own makes an answer one that is not understood. */
static bool row_is_sound(const struct nlc_set *set, struct nlattr **attrs)
{
	static const int lengths[] = { [NLC_U8] = 1, [NLC_U32] = 4, [NLC_U64] = 8 };
	int i, len;

	for (i = 1; i <= set->max; i++) {
		if (!attrs[i] || set->attrs[i].type == NLC_NONE || set->attrs[i].type == NLC_BINARY)
			continue;
		len = nla_len(attrs[i]);
		if (set->attrs[i].type == NLC_STRING ? !len || ((char *)nla_data(attrs[i]))[len - 1] : len != lengths[set->attrs[i].type])
			return false;
	}
	return true;
}

static int on_row(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *head = nlmsg_hdr(msg);
	struct nlattr *attrs[ATTRS_MAX];
	struct asking *asking = arg;
	struct nlc_row row = { ((struct genlmsghdr *)nlmsg_data(head))->cmd, asking->set, attrs };

	if (asking->stopped)
		return NL_OK;
	if (!asking->set || genlmsg_parse(head, 0, attrs, asking->set->max, NULL) || !row_is_sound(asking->set, attrs))
		asking->error = -EBADMSG;
	else if (asking->each)
		asking->stopped = !asking->each(&row, asking->arg);
	return NL_OK;
}

/* ------------------------------------------------------------------------------------------------------------- refusals */

/* Attributes of the acknowledgement follow the header that it repeats. */
static void keep_refusal(struct nlc *nl, struct nlmsghdr *head, int skip)
{
	struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1];

	if (!(head->nlmsg_flags & NLM_F_ACK_TLVS) || nlmsg_datalen(head) < skip)
		return;
	if (nla_parse(attrs, NLMSGERR_ATTR_MAX, (void *)((char *)nlmsg_data(head) + skip), nlmsg_datalen(head) - skip, NULL))
		return;
	if (attrs[NLMSGERR_ATTR_MSG])
		snprintf(nl->refusal, sizeof(nl->refusal), "%.*s", nla_len(attrs[NLMSGERR_ATTR_MSG]), (char *)nla_data(attrs[NLMSGERR_ATTR_MSG]));
}

static int on_refusal(struct sockaddr_nl *from, struct nlmsgerr *err, void *arg)
{
	struct nlmsghdr *head = (struct nlmsghdr *)((char *)err - NLMSG_HDRLEN);
	struct asking *asking = arg;

	(void)from;
	asking->error = err->error;
	asking->done = true;
	keep_refusal(asking->nl, head, sizeof(*err));
	return NL_STOP;
}

/* The end of a dump carries the errno of what ended it early. */
static int on_end(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *head = nlmsg_hdr(msg);
	struct asking *asking = arg;

	if (nlmsg_datalen(head) >= (int)sizeof(int) && *(int *)nlmsg_data(head) < 0) {
		asking->error = *(int *)nlmsg_data(head);
		keep_refusal(asking->nl, head, sizeof(int));
	}
	asking->done = true;
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct asking *asking = arg;

	(void)msg;
	asking->done = true;
	return NL_STOP;
}

/* ------------------------------------------------------------------------------------------------------------- requests */

struct nl_msg *nlc_request(struct nlc *nl, int cmd, bool dump)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0, dump ? NLM_F_DUMP : 0, cmd, MMSB_GENL_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static struct nl_cb *hearing(struct asking *asking)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);

	if (!cb)
		return NULL;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_row, asking);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_end, asking);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, asking);
	nl_cb_err(cb, NL_CB_CUSTOM, on_refusal, asking);
	return cb;
}

static int from_nl(int err)
{
	switch (-err) {
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_AGAIN:
		return -EAGAIN;
	case NLE_INTR:
		return -EINTR;
	case NLE_DUMP_INTR:
		return -EAGAIN;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_PERM:
		return -EPERM;
	default:
		return err ? -EIO : 0;
	}
}

int nlc_ask(struct nlc *nl, struct nl_msg *msg, const struct nlc_set *set, nlc_each *each, void *arg)
{
	struct asking asking = { nl, set, each, arg, 0, false, false };
	struct nl_cb *cb = msg ? hearing(&asking) : NULL;
	int err;

	nl->refusal[0] = '\0';
	if (!cb) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	err = nl_send_auto(nl->sock, msg);
	nlmsg_free(msg);
	while (err >= 0 && !asking.done)
		err = nl_recvmsgs(nl->sock, cb);
	nl_cb_put(cb);
	return asking.error ?: err < 0 ? from_nl(err) : 0;
}

/* --------------------------------------------------------------------------------------------------------------- events */

/* The number of a group is asked for on a socket of its own, because this one may hear of events already. */
static int group_number(const char *name)
{
	struct nlc asking;
	int err = nlc_open(&asking), group;

	if (err)
		return err;
	group = genl_ctrl_resolve_grp(asking.sock, MMSB_GENL_NAME, name);
	nlc_close(&asking);
	return group < 0 ? from_nl(group) : group;
}

int nlc_listen(struct nlc *nl, const char *name)
{
	int group = group_number(name);

	if (group < 0)
		return group;
	nl_socket_set_nonblocking(nl->sock);
	if (setsockopt(nl_socket_get_fd(nl->sock), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
		return -errno;
	return 0;
}

/* Events answer no request, so their numbers mean nothing. */
static int on_any(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

/* libnl takes ENOBUFS for memory of its own, so it is asked of the socket. */
static int missed(struct nlc *nl)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(nl_socket_get_fd(nl->sock), SOL_SOCKET, SO_ERROR, &err, &len))
		return -errno;
	return err ? -err : 0;
}

int nlc_hear(struct nlc *nl, int timeout_ms, nlc_each *each, void *arg)
{
	struct asking asking = { nl, &nlc_event, each, arg, 0, false, false };
	struct pollfd fd = { .fd = nl_socket_get_fd(nl->sock), .events = POLLIN };
	int ready = poll(&fd, 1, timeout_ms), err;
	struct nl_cb *cb;

	if (ready <= 0)
		return ready ? -errno : -ETIME;
	if (fd.revents & POLLERR) {
		err = missed(nl);
		if (err)
			return err;
	}
	cb = hearing(&asking);
	if (!cb)
		return -ENOMEM;
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_any, NULL);
	err = nl_recvmsgs(nl->sock, cb);
	nl_cb_put(cb);
	if (err == -NLE_NOMEM)
		return -ENOBUFS;
	return asking.error ?: err < 0 && err != -NLE_AGAIN ? from_nl(err) : 0;
}

/* ------------------------------------------------------------------------------------------------------------- life */

int nlc_open(struct nlc *nl)
{
	int on = 1;

	*nl = (struct nlc){ .sock = nl_socket_alloc() };
	if (!nl->sock)
		return -ENOMEM;
	if (genl_connect(nl->sock)) {
		nlc_close(nl);
		return -errno ?: -EIO;
	}
	nl->family = genl_ctrl_resolve(nl->sock, MMSB_GENL_NAME);
	if (nl->family < 0) {
		nlc_close(nl);
		return -ENOENT;
	}
	setsockopt(nl_socket_get_fd(nl->sock), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(nl_socket_get_fd(nl->sock), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

void nlc_close(struct nlc *nl)
{
	nl_socket_free(nl->sock);
	nl->sock = NULL;
}
