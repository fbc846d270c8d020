package dev.come.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.UsageException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HubSettingsTests {
    @TempDir
    Path home;

    private HubSettings of(String... pairs) {
        Map<String, String> environment = new HashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            environment.put(pairs[i], pairs[i + 1]);
        }
        return HubSettings.of(environment, home);
    }

    @Test
    void withoutVariablesItIsThePublicHubAndTheUsualCache() {
        HubSettings settings = of();
        assertThat(settings.endpoint()).hasToString("https://huggingface.co");
        assertThat(settings.cache()).isEqualTo(home.resolve(".cache/huggingface/hub"));
        assertThat(settings.token()).isEmpty();
        assertThat(settings.offline()).isFalse();
    }

    @Test
    void theNearestVariableSaysWhereTheCacheIs() {
        assertThat(of("XDG_CACHE_HOME", "/x").cache()).isEqualTo(Path.of("/x/huggingface/hub"));
        assertThat(of("XDG_CACHE_HOME", "/x", "HF_HOME", "/h").cache()).isEqualTo(Path.of("/h/hub"));
        assertThat(of("HF_HOME", "/h", "HUGGINGFACE_HUB_CACHE", "/old").cache()).isEqualTo(Path.of("/old"));
        assertThat(of("HF_HOME", "/h", "HUGGINGFACE_HUB_CACHE", "/old", "HF_HUB_CACHE", "/c").cache())
                .isEqualTo(Path.of("/c"));
        assertThat(of("HF_HOME", "~/h").cache()).isEqualTo(home.resolve("h/hub"));
        assertThat(of("HF_HOME", "  ").cache()).isEqualTo(home.resolve(".cache/huggingface/hub"));
    }

    @Test
    void theTokenComesFromTheVariableOrElseFromAFile() throws IOException {
        Path file = Files.writeString(home.resolve("token"), "hf_file\n");
        assertThat(of("HF_HOME", home.toString()).token()).contains("hf_file");
        assertThat(of("HF_TOKEN_PATH", file.toString()).token()).contains("hf_file");
        assertThat(of("HF_HOME", home.toString(), "HF_TOKEN", "hf_variable").token()).contains("hf_variable");
        assertThat(of("HF_HOME", home.toString(), "HF_TOKEN", "").token()).contains("hf_file");
        Files.writeString(file, "\n");
        assertThat(of("HF_TOKEN_PATH", file.toString()).token()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"a b", "a\nHost: evil", "a\u00e9"})
    void aTokenThatIsNoneIsRefusedWithoutShowingIt(String token) {
        assertThatThrownBy(() -> of("HF_TOKEN", token)).isInstanceOf(UsageException.class)
                .hasMessageContaining("HF_TOKEN").message().doesNotContain(token);
    }

    @ParameterizedTest
    @CsvSource({"1, true", "on, true", "YES, true", "True, true", "0, false", "no, false", "'', false"})
    void offlineIsSaidAsInPython(String value, boolean offline) {
        assertThat(of("HF_HUB_OFFLINE", value).offline()).isEqualTo(offline);
    }

    @Test
    void aMirrorIsGivenByItsAddress() {
        assertThat(of("HF_ENDPOINT", "https://mirror.example:8443/hub/").endpoint())
                .hasToString("https://mirror.example:8443/hub");
    }

    @ParameterizedTest
    @ValueSource(strings = {"mirror.example", "ftp://mirror.example", "https://", "not an address", "file:///tmp"})
    void anEndpointThatIsNoServerIsRefused(String endpoint) {
        assertThatThrownBy(() -> of("HF_ENDPOINT", endpoint)).isInstanceOf(UsageException.class)
                .hasMessageContaining("HF_ENDPOINT is '" + endpoint + "'");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"https://user:s3cret@mirror.example", "https://s3cret@mirror.example/hub", "user:s3cret@mirror",
                "https://us er:s3cret@mirror.example", "https://user:p@s3cret@mirror.example",
                "https://user:s3?cret=s3cret@mirror.example", "https://mirror.example/?token=s3cret"})
    void anEndpointWithSecretsIsRefusedWithoutShowingThem(String endpoint) {
        assertThatThrownBy(() -> of("HF_ENDPOINT", endpoint)).isInstanceOf(UsageException.class)
                .hasNoCause().hasMessageContaining("HF_ENDPOINT is '").hasMessageContaining("mirror")
                .message().doesNotContain("s3", "user:");
        if (endpoint.startsWith("https://") && !endpoint.contains(" ") && !endpoint.contains("p@")) {
            URI uri = URI.create(endpoint);
            assertThatThrownBy(() -> new HubSettings(uri, home, Optional.empty(), true))
                    .isInstanceOf(UsageException.class).message().doesNotContain("s3", "user:");
        }
    }
}
