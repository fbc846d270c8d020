package dev.come.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

@Timeout(value = 30, threadMode = ThreadMode.SEPARATE_THREAD)
class StallGuardTests {
    /** Sends nothing, and cannot even be closed; a reader can only be interrupted, as that of java.net.http. */
    private static final class Silent extends InputStream {
        private final CountDownLatch never = new CountDownLatch(1);
        private final Error onClose;

        Silent(Error onClose) {
            this.onClose = onClose;
        }

        @Override
        public int read() throws IOException {
            try {
                never.await();
                return -1;
            } catch (InterruptedException e) {
                throw new InterruptedIOException();
            }
        }

        @Override
        public int read(byte[] bytes, int from, int length) throws IOException {
            return read();
        }

        @Override
        public void close() {
            throw onClose;
        }
    }

    @Test
    void aReaderWhoseWatcherFailsFailsForTheSameReason() {
        Error error = new OutOfMemoryError("Java heap space");
        try (StallGuard guard = new StallGuard(new Silent(error), Duration.ofMillis(50))) {
            assertThatThrownBy(() -> guard.read(new byte[10])).isSameAs(error);
            assertThat(Thread.interrupted()).isFalse();
        }
    }
}
