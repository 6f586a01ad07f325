/*
 * The process that keeps a pod's namespaces alive while its containers come
 * and go. It does nothing, ends when it is asked to, and collects orphans that
 * a shared PID namespace leaves to it.
 */
#include <signal.h>
#include <sys/wait.h>

int main(void)
{
	sigset_t signals;
	int signal;

	/*
	 * The kernel drops signals that the first process of a PID namespace
	 * leaves at their default action, unless they are blocked: so they are
	 * blocked and waited for, and no handler is needed.
	 */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, 0);

	for (;;) {
		if (sigwait(&signals, &signal) != 0)
			return 1;
		if (signal != SIGCHLD)
			return 0;
		while (waitpid(-1, 0, WNOHANG) > 0)
			;
	}
}
