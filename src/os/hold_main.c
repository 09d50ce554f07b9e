// hold_main.c: placeholder
int main(void)
{
    return 127;
}
