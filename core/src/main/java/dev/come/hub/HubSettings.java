package dev.come.hub;

import dev.come.FailedException;
import dev.come.UsageException;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Limits;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Where the hub is, where its cache lies and who asks, as the environment variables of {@code huggingface_hub} say
 * (https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables).
 *
 * @param endpoint the server, without a slash at its end ({@code HF_ENDPOINT})
 * @param cache the folder that holds {@code models--OWNER--NAME} ({@code HF_HUB_CACHE}, else {@code HF_HOME/hub})
 * @param token what the server knows the user by ({@code HF_TOKEN}, else the file {@code HF_TOKEN_PATH} or
 *     {@code HF_HOME/token})
 * @param offline whether only what the cache has is used ({@code HF_HUB_OFFLINE})
 */
public record HubSettings(URI endpoint, Path cache, Optional<String> token, boolean offline) {
    private static final String DEFAULT_ENDPOINT = "https://huggingface.co";
    private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");

    public HubSettings {
        if (endpoint.getHost() == null || endpoint.getRawUserInfo() != null || endpoint.getRawQuery() != null
                || !Set.of("http", "https").contains(String.valueOf(endpoint.getScheme()))) {
            throw noEndpoint(endpoint.toString());
        }
        token.ifPresent(text -> {
            if (text.chars().anyMatch(character -> character <= ' ' || character > '~')) {
                throw new UsageException(
                        "The token for the hub (HF_TOKEN, or the file that holds it) has characters that"
                                + " no token has; copy it again from the settings page of your account");
            }
        });
    }

    /**
     * What the environment says.
     *
     * @param home the user's home folder
     * @throws UsageException if {@code HF_ENDPOINT} is no address of a server
     * @throws FailedException if the file with the token cannot be read
     */
    public static HubSettings of(Map<String, String> environment, Path home) {
        Path hubHome = first(environment, "HF_HOME").map(text -> folder(text, home))
                .orElseGet(() -> first(environment, "XDG_CACHE_HOME").map(text -> folder(text, home))
                        .orElse(home.resolve(".cache")).resolve("huggingface"));
        Path cache = first(environment, "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE").map(text -> folder(text, home))
                .orElse(hubHome.resolve("hub"));
        Optional<String> token = first(environment, "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
                .or(() -> tokenIn(first(environment, "HF_TOKEN_PATH").map(text -> folder(text, home))
                        .orElse(hubHome.resolve("token"))));
        boolean offline = first(environment, "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
                .map(text -> TRUE.contains(text.toUpperCase(Locale.ROOT))).orElse(false);
        return new HubSettings(endpoint(first(environment, "HF_ENDPOINT").orElse(DEFAULT_ENDPOINT)), cache, token,
                offline);
    }

    /** Without the token, so that no log shows it. */
    @Override
    public String toString() {
        return "HubSettings[endpoint=%s, cache=%s, token=%s, offline=%s]".formatted(endpoint, cache,
                token.isPresent() ? "present" : "absent", offline);
    }

    /** The first variable that is set to more than blanks. */
    private static Optional<String> first(Map<String, String> environment, String... names) {
        return Stream.of(names).map(name -> environment.getOrDefault(name, "").strip())
                .filter(text -> !text.isEmpty()).findFirst();
    }

    private static Path folder(String text, Path home) {
        return text.equals("~") || text.startsWith("~/")
                ? home.resolve(text.substring(Math.min(2, text.length())))
                : Path.of(text);
    }

    private static Optional<String> tokenIn(Path file) {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            String text = new String(Limits.read(file, Limits.TOKEN_BYTES), StandardCharsets.UTF_8).strip();
            return Optional.of(text).filter(token -> !token.isEmpty());
        } catch (IOException e) {
            throw new FailedException(file + ", which holds the token for the hub, cannot be read (" + IoReason.of(e)
                    + "); mend that, or set HF_TOKEN", e);
        }
    }

    private static URI endpoint(String text) {
        try {
            return new URI(text.replaceFirst("/+$", ""));
        } catch (URISyntaxException _) { // its message has the whole text
            throw noEndpoint(text);
        }
    }

    /** A name and password before an @ are not shown, nor what may be a token behind a question mark. */
    private static UsageException noEndpoint(String text) {
        String shown = text.replaceFirst("(?s)^.*@", "(not shown)@").replaceFirst("(?s)\\?.*$", "?(not shown)");
        return new UsageException("HF_ENDPOINT is '" + shown + "', but must be the address of a server alone, such as "
                + DEFAULT_ENDPOINT + (text.contains("@")
                        ? "; leave out the name and password, and set HF_TOKEN if the hub asks who you are"
                        : ""));
    }
}
