/* Linked as nothing should be: tool/hardened.py has to say so. */
int main(void)
{
    return 0;
}
