package dev.come.hub;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpTimeoutException;
import java.time.Duration;

/**
 * Reads a body and gives up when nothing arrives for too long. The client's own timeout ends with the headers, so a
 * connection that falls silent in the middle of a file would hang for ever.
 */
final class StallGuard implements AutoCloseable {
    private final InputStream body;
    private final long silenceNanos;
    private final Thread watcher;
    private volatile long lastArrival = System.nanoTime();
    private volatile boolean stalled;

    StallGuard(InputStream body, Duration silence) {
        this.body = body;
        this.silenceNanos = silence.toNanos();
        this.watcher = Thread.ofVirtual().unstarted(this::watch);
        watcher.start();
    }

    /** Like {@link InputStream#read(byte[])}. */
    int read(byte[] buffer) throws IOException {
        try {
            int count = body.read(buffer);
            lastArrival = System.nanoTime();
            if (stalled) {
                throw new HttpTimeoutException("nothing arrived any more");
            }
            return count;
        } catch (IOException e) {
            if (stalled) {
                throw new HttpTimeoutException("nothing arrived any more");
            }
            throw e;
        }
    }

    byte[] readAll() throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] buffer = new byte[1 << 16];
        for (int count = read(buffer); count >= 0; count = read(buffer)) {
            all.write(buffer, 0, count);
        }
        return all.toByteArray();
    }

    @Override
    public void close() {
        watcher.interrupt();
    }

    private void watch() {
        try {
            while (System.nanoTime() - lastArrival < silenceNanos) {
                Thread.sleep(Duration.ofNanos(silenceNanos / 8 + 1));
            }
            stalled = true;
            body.close();
        } catch (InterruptedException | IOException _) {
            // the body was read to its end
        }
    }
}
