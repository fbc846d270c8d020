package dev.come.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * What a server or a proxy on the way may do to content, though it is asked not to: to compress it (RFC 9110, 8.4). Sizes
 * and hashes are those of the content as it was before.
 */
final class ContentCoding {
    private ContentCoding() {
    }

    /** Whether content comes as it is, so that its length is that of the file. */
    static boolean isPlain(HttpHeaders headers) {
        return name(headers).isEmpty();
    }

    /**
     * The content as it was before.
     *
     * @throws WrongContentException if it comes in a form that is not known here
     */
    static InputStream plain(HttpResponse<InputStream> response) throws WrongContentException {
        return switch (name(response.headers())) {
            case "" -> response.body();
            case "gzip", "x-gzip" -> new Unzipped(response.body());
            default -> throw new WrongContentException("its content comes in the form '"
                    + name(response.headers()).replaceAll("[^a-z0-9, -]", "?") + "', which was not asked for");
        };
    }

    private static String name(HttpHeaders headers) {
        String name = String.join(", ", headers.allValues("Content-Encoding")).strip().toLowerCase(Locale.ROOT);
        return name.equals("identity") ? "" : name;
    }

    /** Begins to read when it is read from, and not before: nobody watches over the connection until then. */
    private static final class Unzipped extends InputStream {
        private final InputStream zipped;
        private @Nullable InputStream plain;

        Unzipped(InputStream zipped) {
            this.zipped = zipped;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int from, int length) throws IOException {
            if (plain == null) {
                plain = new GZIPInputStream(zipped, 1 << 16);
            }
            return plain.read(bytes, from, length);
        }
    }
}
