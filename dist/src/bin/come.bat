@echo off
rem Starts CoMe with the Java beside it, from any folder.
rem   COME_JAVA_OPTS   more options for java, such as -Xmx4g
setlocal
for %%I in ("%~dp0..") do set "COME_ROOT=%%~fI"
rem As in start-java: one BLAS thread, because work is spread over threads above it.
if not defined OPENBLAS_NUM_THREADS set "OPENBLAS_NUM_THREADS=1"
"%COME_ROOT%\runtime\bin\java.exe" "@%COME_ROOT%\bin\java.options" "-Djava.library.path=%COME_ROOT%\lib" %COME_JAVA_OPTS% -jar "%COME_ROOT%\come.jar" %*
exit /b %ERRORLEVEL%
