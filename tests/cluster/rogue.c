// Has the place and the arguments of a probe and is none: whoever connects to
// the port gets ANSWER, and then silence, or the end when ANSWER_ENDS is set.
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"

// No plugin needs more connections than this.
enum { CONNECTIONS = 10000, SECONDS = 300 };

int main(int count, char **arguments) {
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    for (int index = 1; index + 1 < count; index++) {
        if (strcmp(arguments[index], "--port") == 0) {
            address.sin_port = htons((unsigned short)atoi(arguments[index + 1]));
        }
    }
    signal(SIGPIPE, SIG_IGN);
    // A test that was killed leaves nothing that runs for ever.
    alarm(SECONDS);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 16) != 0) {
        return 98;
    }
    for (int accepted = 0; accepted < CONNECTIONS; accepted++) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0) {
            return 1;
        }
        // One that is gone already needs no answer.
        ssize_t written = write(connection, ANSWER, sizeof ANSWER);
        if (ANSWER_ENDS || written < 0) {
            close(connection);
        }
    }
    return 0;
}
