/* notify.h — tells the service manager how we are, where there is one (sd_notify's datagram; no library needed). */
#ifndef LN_MAIN_NOTIFY_H
#define LN_MAIN_NOTIFY_H

/* Sends STATE ("READY=1") to $NOTIFY_SOCKET; does nothing without one. Thread: main. */
void ln__notify(const char *state);

#endif
