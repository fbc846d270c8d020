package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.logging.Level;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.By;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Opens pages in a real browser; skipped where chromium and chromedriver are not installed. */
class BrowserTests {
    private static final JsonMapper JSON = new JsonMapper();

    /** Where the pictures go that a person can look at. */
    private static final Path PICTURES = Path.of("target", "screenshots");

    private static ChromeDriver browser;

    @TempDir
    private static Path folder;

    private static Optional<Path> program(String... names) {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
                .flatMap(place -> Stream.of(names).map(name -> Path.of(place, name))).filter(Files::isExecutable)
                .findFirst();
    }

    @BeforeAll
    static void openBrowser() throws IOException {
        Optional<Path> chromium = program("chromium", "chromium-browser", "google-chrome");
        Optional<Path> driver = program("chromedriver");
        assumeTrue(chromium.isPresent() && driver.isPresent(),
                "skipped: chromium and chromedriver are not on the path; on Debian: apt-get install chromium chromium-driver");
        Trial trial = new Trial(folder);
        assertThat(Trial.run(trial.prune("--method", "shortgpt,sleb,concat_merge", "--ppl-data", trial.text.toString(),
                "--ppl-windows", "4")).exitCode()).isZero();
        ChromeOptions options = new ChromeOptions();
        options.setBinary(chromium.get().toFile());
        options.addArguments("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--user-data-dir=" + folder.resolve("profile"));
        LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        logs.enable(LogType.PERFORMANCE, Level.ALL);
        options.setCapability("goog:loggingPrefs", logs);
        browser = new ChromeDriver(new ChromeDriverService.Builder().usingDriverExecutable(driver.get().toFile())
                .usingAnyFreePort().build(), options);
    }

    @AfterAll
    static void closeBrowser() {
        if (browser != null) {
            browser.quit();
        }
    }

    private static Path page(String result) {
        return folder.resolve("out").resolve(result).resolve("report.html");
    }

    private static void open(Path page, int width) {
        browser.manage().logs().get(LogType.PERFORMANCE); // what was before does not count
        browser.executeCdpCommand("Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", 900, "deviceScaleFactor", 1, "mobile", false));
        browser.get(page.toUri().toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "sleb", "concat_merge"})
    void aPageOpensWithoutErrorsAndAsksForNothing(String result) {
        open(page(result), 1000);
        assertThat(browser.manage().logs().get(LogType.BROWSER).getAll()).as("the console").isEmpty();
        List<String> asked = browser.manage().logs().get(LogType.PERFORMANCE).getAll().stream()
                .map(LogEntry::getMessage).map(JSON::readTree).map(entry -> entry.path("message"))
                .filter(event -> event.path("method").asString().equals("Network.requestWillBeSent"))
                .map(event -> event.path("params").path("request").path("url").asString())
                // The browser's own pictures, such as that in a field to clear, lie inside of it.
                .filter(url -> !url.startsWith("data:") && !url.startsWith("chrome:")).toList();
        assertThat(asked).containsExactly(page(result).toUri().toString());
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 800, 1600})
    void aPageFitsItsWindow(int width) throws IOException {
        for (String result : List.of("", "concat_merge")) {
            open(page(result), width);
            Number needed = (Number) Objects.requireNonNull(
                    browser.executeScript("return document.documentElement.scrollWidth"));
            assertThat(needed.intValue()).as("pixels that %s needs of %s", result, width).isLessThanOrEqualTo(width);
            Number height = (Number) Objects.requireNonNull(
                    browser.executeScript("return document.documentElement.scrollHeight"));
            Map<String, Object> picture = browser.executeCdpCommand("Page.captureScreenshot",
                    Map.of("captureBeyondViewport", true, "clip",
                            Map.of("x", 0, "y", 0, "width", width, "height", height, "scale", 1)));
            Files.createDirectories(PICTURES);
            byte[] bytes = Base64.getDecoder().decode((String) picture.get("data"));
            Files.write(PICTURES.resolve((result.isEmpty() ? "methods" : result) + "-" + width + ".png"), bytes);
            assertThat(bytes.length).isGreaterThan(10_000);
        }
    }

    @Test
    void aClickOnAHeadingSorts() throws IOException {
        open(page(""), 1000);
        JsonNode comparison = JSON.readTree(Files.readAllBytes(folder.resolve("out/comparison.json")));
        List<String> byLoss = comparison.path("methods").valueStream()
                .sorted(Comparator.comparingDouble(method -> method.path("loss").asDouble()))
                .map(method -> method.path("method").asString()).toList();
        WebElement heading = browser.findElements(By.cssSelector("table.sorted th")).stream()
                .filter(one -> one.getText().equals("loss")).findFirst().orElseThrow();
        heading.findElement(By.tagName("button")).click();
        assertThat(heading.getDomAttribute("aria-sort")).isEqualTo("ascending");
        assertThat(methods()).filteredOn(method -> !method.equals("dense")).isEqualTo(byLoss);
        heading.findElement(By.tagName("button")).click();
        assertThat(heading.getDomAttribute("aria-sort")).isEqualTo("descending");
        assertThat(methods()).filteredOn(method -> !method.equals("dense")).isEqualTo(byLoss.reversed());
    }

    private static List<String> methods() {
        return browser.findElements(By.cssSelector("table.sorted tbody td:first-child")).stream()
                .map(WebElement::getText).toList();
    }

    @Test
    void theNumbersThatAReaderSeesAreThoseOfTheRecord() throws IOException {
        open(page(""), 1000);
        JsonNode comparison = JSON.readTree(Files.readAllBytes(folder.resolve("out/comparison.json")));
        for (JsonNode method : comparison.path("methods")) {
            WebElement row = browser.findElements(By.cssSelector("table.sorted tbody tr")).stream()
                    .filter(one -> one.getText().startsWith(method.path("method").asString() + " ")).findFirst()
                    .orElseThrow();
            assertThat(row.getText()).contains(PrunedModels.decimals(method.path("loss").asDouble()),
                    PrunedModels.decimals(method.path("perplexities").get(0).path("value").asDouble()));
        }
    }

    @Test
    void aPageIsDarkWhereTheReaderWantsIt() {
        open(page(""), 1000);
        for (String scheme : List.of("light", "dark")) {
            browser.executeCdpCommand("Emulation.setEmulatedMedia",
                    Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
            String colour = browser.findElement(By.tagName("body")).getCssValue("background-color");
            int red = Integer.parseInt(colour.replaceAll("\\D*(\\d+).*", "$1"));
            assertThat(red < 128).as("%s: %s", scheme, colour).isEqualTo(scheme.equals("dark"));
        }
    }
}
